"""Layers of a network by number: names of groups, text, rows of `ws`, noise maps.

Layers are numbered as in StyleGAN's Figure 3: two a level from the base up, 0-17 at 1024x1024, in
every kind of network. Layer i is the i-th convolution (or, in StyleGAN, AdaIN) with the noise that
it gets; in StyleGAN2 an odd layer also drives toRGB of the level below. Coarse layers are 4x4 to
8x8, middle ones 16x16 to 32x32, fine ones all above.
"""

from collections.abc import Sequence

from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError

LayerIndices = tuple[int, ...]
"""Numbers of layers, in rising order."""


def describe_layers(config: GeneratorConfig) -> str:
    """What a network has, for messages: `this network has the layers 0-7: coarse 0-3, ...`."""
    names = ", ".join(
        f"{name} {format_layers(span)}" for name, span in config.layer_groups().items()
    )
    return f"this network has the layers 0-{config.num_layers() - 1}: {names}"


def format_layers(layers: Sequence[int]) -> str:
    """The shortest way to write layers: `(0, 1, 2, 5)` -> `0-2,5`."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def check_layers(layers: Sequence[int], config: GeneratorConfig) -> None:
    """Refuse layers that aren't there.

    Raises:
        UsageError: If one lies beyond the network.
    """
    if beyond := [layer for layer in layers if not 0 <= layer < config.num_layers()]:
        raise UsageError(f"layer {beyond[0]}: {describe_layers(config)}")


def ws_rows(layers: Sequence[int], config: GeneratorConfig) -> list[int]:
    """Which rows of `ws` `(N, num_ws, D)` belong to layers; a traditional network has just one."""
    return [layer for layer in layers if layer < config.num_ws]


def noise_layers(config: GeneratorConfig) -> LayerIndices:
    """The layer that each noise map goes to; modulated networks have one map less than layers."""
    return tuple(range(len(config.noise_shapes)))
