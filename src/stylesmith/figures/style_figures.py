"""Style mixing, noise inputs and the truncation trick (StyleGAN, Figures 3, 4, 5 and 8)."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback, partial_progress
from stylesmith.errors import UsageError
from stylesmith.figures.figure_input import (
    FigureInput,
    describe_noise_inputs,
    describe_psi,
    describe_sources,
    describe_style_layers,
    paper_figure,
)
from stylesmith.figures.panels import FigureLayout, ImagePanel
from stylesmith.sampling import MixingRow, NoiseSettings, measure_noise_variation
from stylesmith.sampling.editing import mixing_cells
from stylesmith.sampling.image_files import PlacedImages, column_cells
from stylesmith.sampling.stochastic_variation import (
    STD_IMAGE_GAIN,
    noise_layer_subsets,
    variation_images,
)

DEFAULT_SEEDS_A = (888, 829, 1898, 1733, 1614, 845)
"""Images in the first column, of which some styles are replaced."""
DEFAULT_SEEDS_B = (639, 701, 687, 615, 2268)
"""Images in the first row, from which styles are taken."""
ROWS_PER_LAYER_GROUP = {"coarse": 3, "middle": 2, "fine": 1}
"""How many rows each range of styles has."""


@paper_figure("stylegan-3", "Style mixing", "seeds label psi", "a style for each layer")
def style_mixing(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 3: everything as source A is, but for some styles of source B."""
    model.require_styles()
    pipeline = model.pipeline()
    ranges = model.generator.config.layer_groups(model.generator.top_level)
    named = [(name, ranges[name]) for name in ranges for _ in range(ROWS_PER_LAYER_GROUP[name])]
    sources = model.sources(pipeline, (*DEFAULT_SEEDS_A[: len(named)], *DEFAULT_SEEDS_B))
    if len(sources) <= len(named):
        raise UsageError(
            f"--seeds: wanted {len(named)} for source A, one for each row, and one or more for "
            f"source B, got {len(sources)}"
        )
    rows = [MixingRow(source, layers) for source, (_, layers) in zip(sources, named, strict=False)]
    sources_b = sources[len(named) :]
    cells = mixing_cells(pipeline, rows, sources_b)
    images = collect_cells(cells, len(rows) + 1, len(sources_b) + 1, on_progress)
    spans = "; ".join(
        f"{name} styles are {describe_style_layers(layers, pipeline.config)}"
        for name, layers in ranges.items()
    )
    caption = (
        f"StyleGAN, Figure 3, for {model.name}. Sources A (down, "
        f"{describe_sources(sources[: len(named)])}) and B (across, "
        f"{describe_sources(sources_b)}) were drawn from their own latent codes"
        f"{describe_psi(model.options)}; all others copy a subset of styles from source B and "
        f"take the rest from source A. {spans.capitalize()}."
    )
    labels = ["", *(f"{name.capitalize()} styles from source B" for name, _ in named)]
    columns = ["source A", *["source B"] * len(sources_b)]
    return FigureLayout(caption, [[ImagePanel(images, labels, columns)]])


def collect_cells(
    cells: Iterable[PlacedImages], rows: int, columns: int, on_progress: ProgressCallback
) -> Tensor:
    """Images `(rows, columns, C, H, W)` on the CPU; cells without an image are NaN.

    Args:
        cells: The images and their cells; at least one.
        rows: Images from top to bottom.
        columns: Images from left to right.
        on_progress: Gets the number of cells that are done.
    """
    places, done = torch.empty(0), 0
    for first, images in cells:
        if not len(places):
            places = torch.full((rows * columns, *images.shape[1:]), torch.nan)
            done = first  # no cell before the first image has one
        places[first : first + len(images)] = images.cpu()
        done += len(images)
        on_progress(done, rows * columns)
    return places.unflatten(0, (rows, columns))


DEFAULT_VARIATION_SEEDS = (1157, 1012)
DEFAULT_NOISE_DRAWS = 100
DEFAULT_COMPONENT_SEEDS = (1967, 1555)
MIN_COLUMN_WIDTH = 192
"""Least width of an image on the page in pixels, so that the label above it fits."""


@paper_figure(
    "stylegan-4",
    "Stochastic variation, and its standard deviation",
    "seeds label psi count",
    "noise inputs",
)
def stochastic_variation(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 4: an image, crops of draws with other noise, the deviation of each pixel."""
    model.require_noise()
    pipeline = model.pipeline()
    sources = model.sources(pipeline, DEFAULT_VARIATION_SEEDS)
    draws = model.count(DEFAULT_NOISE_DRAWS)
    rows, largest = [], 0.0
    for number, source in enumerate(sources):
        progress = partial_progress(on_progress, number, len(sources))
        variation = measure_noise_variation(pipeline, source, draws, on_progress=progress)
        largest = max(largest, float(variation.std.max()))
        rows.append(variation_images(variation))
    caption = (
        f"StyleGAN, Figure 4. Examples of stochastic variation, for {model.name} "
        f"({describe_sources(sources)}{describe_psi(model.options)}). (a) Generated image. (b) "
        "Zoom-in on the quarter of each side that varies most, with different realizations of "
        "input noise. (c) Standard deviation of each pixel's gray value over "
        f"{draws} realizations, times {STD_IMAGE_GAIN}: white is "
        f"{255 / STD_IMAGE_GAIN:.0f} of 255 levels or more; the largest here is {largest:.1f}."
    )
    labels = ("(a) generated image", "(b) variation", "(c) std. dev.")
    return FigureLayout(caption, [[_labeled_columns(torch.stack(rows), labels)]])


@paper_figure(
    "stylegan-5", "Noise on all, no, fine and coarse layers", "seeds label psi", "noise inputs"
)
def noise_components(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 5: noise on all layers, on none, on fine and on coarse ones."""
    model.require_noise()
    config = model.generator.config
    parts = noise_layer_subsets(config)
    pipelines = [model.pipeline(noise=NoiseSettings("fixed", layers)) for layers in parts.values()]
    sources = model.sources(pipelines[0], DEFAULT_COMPONENT_SEEDS)
    cells = column_cells(pipelines, sources)
    images = collect_cells(cells, len(sources), len(pipelines), on_progress)
    caption = (
        f"StyleGAN, Figure 5. Effect of noise inputs at different layers of {model.name} "
        f"({describe_sources(sources)}{describe_psi(model.options)}). (a) Noise is applied to "
        "all layers. (b) No noise. (c) Noise in fine layers only "
        f"({describe_noise_inputs(parts['fine'], config)}). (d) Noise in coarse layers only "
        f"({describe_noise_inputs(parts['coarse'], config)})."
    )
    labels = ("(a) all layers", "(b) no noise", "(c) fine layers", "(d) coarse layers")
    return FigureLayout(caption, [[_labeled_columns(images, labels)]])


def _labeled_columns(images: Tensor, labels: Sequence[str]) -> ImagePanel:
    """Images `(rows, columns, C, H, W)`, enlarged so that the labels above the columns fit."""
    zoom = max(1, -(-MIN_COLUMN_WIDTH // images.shape[-1]))
    return ImagePanel(images, columns=labels, zoom=zoom)


TRUNCATION_PSIS = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""Of the columns, as published; on all layers."""
DEFAULT_TRUNCATION_SEEDS = (91, 388)


@paper_figure("stylegan-8", "Truncation, to negative psi", "seeds label")
def truncation_trick(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 8: a row for each seed, a column for each psi."""
    pipelines = [model.pipeline(psi=psi) for psi in TRUNCATION_PSIS]
    sources = model.sources(pipelines[0], DEFAULT_TRUNCATION_SEEDS)
    cells = column_cells(pipelines, sources)
    images = collect_cells(cells, len(sources), len(pipelines), on_progress)
    caption = (
        f"StyleGAN, Figure 8. The effect of truncation as a function of the style scale psi, for "
        f"{model.name}. At psi = 0 every row is the mean image; with negative psi comes the "
        "opposite, an anti-face."
    )
    labels = [f"psi = {psi:g}" for psi in TRUNCATION_PSIS]
    return FigureLayout(caption, [[ImagePanel(images, columns=labels)]])
