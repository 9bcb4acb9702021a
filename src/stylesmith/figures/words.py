"""Words that captions share: which pictures, which resolutions."""

from collections.abc import Sequence

from stylesmith.config import GeneratorConfig
from stylesmith.figures.subject import FigureOptions
from stylesmith.sampling import LayerIndices, SeedOrLatent
from stylesmith.sampling.layers import format_layers
from stylesmith.sampling.sources import image_stem


def describe_sources(sources: Sequence[SeedOrLatent]) -> str:
    """`seeds 6600-6625`, `seed 5`, `seeds 1,2 and face`."""
    seeds = [source for source in sources if isinstance(source, int)]
    words = [image_stem(source) for source in sources if not isinstance(source, int)]
    if seeds:
        words.insert(0, f"seed{'s' if len(seeds) > 1 else ''} {format_layers(seeds)}")
    return " and ".join(words)


def describe_psi(choices: FigureOptions) -> str:
    """` with psi = 0.5`, where the user chose one that a figure doesn't tell otherwise."""
    return "" if choices.psi is None else f" with psi = {choices.psi:g}"


def describe_style_layers(layers: LayerIndices, config: GeneratorConfig) -> str:
    """Two layers a resolution, as the papers count styles: `layers 0-3 (4x4-8x8)`."""
    sizes = [config.size(layer // 2) for layer in layers]
    return f"layers {format_layers(layers)} ({_resolution_range(sizes)})"


def describe_noise_inputs(layers: LayerIndices, config: GeneratorConfig) -> str:
    """The noise inputs of layers, and the size of their maps: `inputs 4-6 at 16x16-32x32`."""
    inputs = [layer for layer in layers if layer < len(config.noise_shapes)]
    sizes = [config.noise_shapes[layer] for layer in inputs]
    return f"inputs {format_layers(inputs)} at {_resolution_range(sizes)}"


def _resolution_range(sizes: Sequence[tuple[int, int]]) -> str:
    ends = sizes[0], sizes[-1]
    return "-".join(dict.fromkeys(f"{width}x{height}" for height, width in ends))
