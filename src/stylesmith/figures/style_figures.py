"""Style mixing, noise inputs and the truncation trick (StyleGAN, Figures 3, 4, 5 and 8)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import UsageError
from stylesmith.figures.figure_input import (
    FigureInput,
    describe_noise_inputs,
    describe_psi,
    describe_sources,
    describe_style_layers,
)
from stylesmith.figures.panels import FigureLayout, ImagePanel, draw_images
from stylesmith.networks.sampling_pipeline import DEFAULT_BATCH_SIZE
from stylesmith.sampling import (
    MixingRow,
    NoiseSettings,
    SamplingPipeline,
    SeedOrLatent,
    measure_noise_variation,
    mix_styles,
)
from stylesmith.sampling.stochastic_variation import (
    STD_IMAGE_GAIN,
    crop_grid,
    most_varied_window,
    noise_layer_subsets,
    std_image,
)

DEFAULT_SEEDS_A = (888, 829, 1898, 1733, 1614, 845)
"""Of the pictures down the left side, which are changed."""
DEFAULT_SEEDS_B = (639, 701, 687, 615, 2268)
"""Of the pictures across the top, which lend their styles."""
ROWS_PER_LAYER_GROUP = {"coarse": 3, "middle": 2, "fine": 1}
"""How many rows each range of styles has."""


def style_mixing(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 3: everything as source A is, but for some styles of source B."""
    subject.require_styles()
    pipeline = subject.pipeline()
    ranges = subject.generator.config.layer_groups(subject.generator.top_level)
    named = [(name, ranges[name]) for name in ranges for _ in range(ROWS_PER_LAYER_GROUP[name])]
    sources = subject.sources(pipeline, (*DEFAULT_SEEDS_A[: len(named)], *DEFAULT_SEEDS_B))
    if len(sources) <= len(named):
        raise UsageError(
            f"--seeds: wanted {len(named)} for source A, one for each row, and one or more for "
            f"source B, got {len(sources)}"
        )
    rows = [MixingRow(source, layers) for source, (_, layers) in zip(sources, named, strict=False)]
    top = sources[len(named) :]
    images = mixed_images(pipeline, rows, top, on_progress)
    spans = "; ".join(
        f"{name} styles are {describe_style_layers(layers, pipeline.config)}"
        for name, layers in ranges.items()
    )
    caption = (
        f"StyleGAN, Figure 3, for {subject.name}. Sources A (down, "
        f"{describe_sources(sources[: len(named)])}) and B (across, {describe_sources(top)}) were "
        f"drawn from their own latent codes{describe_psi(subject.options)}; all others copy a "
        f"subset of styles from source B and take the rest from source A. {spans.capitalize()}."
    )
    words = ["", *(f"{name.capitalize()} styles from source B" for name, _ in named)]
    columns = ["source A", *["source B"] * len(top)]
    return FigureLayout(caption, [[ImagePanel(images, rows=words, columns=columns)]])


def mixed_images(
    pipeline: SamplingPipeline,
    rows: Sequence[MixingRow],
    top: Sequence[SeedOrLatent],
    on_progress: ProgressCallback,
) -> Tensor:
    """Images `(1 + rows, 1 + columns, C, H, W)`, all NaN in the corner."""
    lenders = pipeline.codes(top)
    total = len(rows) + 1
    across = draw_images(pipeline, top, lambda done, of: None)
    corner = torch.full_like(across[:1], torch.nan)
    lines = [torch.cat([corner, across])]
    for row in rows:
        own = pipeline.codes([row.source])
        mixed = [
            pipeline.draw(
                mix_styles(
                    own, lenders[start : start + DEFAULT_BATCH_SIZE], row.layers, pipeline.config
                )
            )
            for start in range(0, len(top), DEFAULT_BATCH_SIZE)
        ]
        lines.append(torch.cat([pipeline.draw(own), *mixed]).cpu())
        on_progress(len(lines), total)
    return torch.stack(lines)


DEFAULT_VARIATION_SEEDS = (1157, 1012)
DEFAULT_NOISE_DRAWS = 100
DEFAULT_COMPONENT_SEEDS = (1967, 1555)
MIN_COLUMN_WIDTH = 192
"""Pixels of the page that a picture has at least, for there are words above it."""


def stochastic_variation(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 4: an image, crops of draws with other noise, the deviation of each pixel."""
    subject.require_noise()
    pipeline = subject.pipeline()
    sources, draws = (
        subject.sources(pipeline, DEFAULT_VARIATION_SEEDS),
        subject.options.count or DEFAULT_NOISE_DRAWS,
    )
    rows, largest = [], 0.0
    for number, source in enumerate(sources):

        def advance(done: int, _: int, before: int = number * draws) -> None:
            on_progress(before + done, draws * len(sources))

        variation = measure_noise_variation(pipeline, source, draws, on_progress=advance)
        window = most_varied_window(variation.std)
        largest = max(largest, float(variation.std.max()))
        rows.append(
            torch.stack([variation.image, crop_grid(variation, window), std_image(variation)])
        )
    images = torch.stack(rows)
    caption = (
        f"StyleGAN, Figure 4. Examples of stochastic variation, for {subject.name} "
        f"({describe_sources(sources)}{describe_psi(subject.options)}). (a) Generated image. (b) "
        "Zoom-in on the quarter of each side that varies most, with different realizations of "
        "input noise. (c) Standard deviation of each pixel's gray value over "
        f"{draws} realizations, times {STD_IMAGE_GAIN}: white is "
        f"{255 / STD_IMAGE_GAIN:.0f} of 255 levels or more; the largest here is {largest:.1f}."
    )
    words = ["(a) generated image", "(b) variation", "(c) std. dev."]
    return FigureLayout(
        caption, [[ImagePanel(images, columns=words, zoom=zoom_for_labels(images))]]
    )


def noise_components(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 5: noise on all layers, on none, on fine and on coarse ones."""
    subject.require_noise()
    config = subject.generator.config
    parts = noise_layer_subsets(config)
    columns = []
    for number, layers in enumerate(parts.values(), 1):
        pipeline = subject.pipeline(noise=NoiseSettings("fixed", layers))
        sources = subject.sources(pipeline, DEFAULT_COMPONENT_SEEDS)
        columns.append(draw_images(pipeline, sources, lambda done, of: None))
        on_progress(number, len(parts))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 5. Effect of noise inputs at different layers of {subject.name} "
        f"({describe_sources(sources)}{describe_psi(subject.options)}). (a) Noise is applied to "
        "all layers. (b) No noise. (c) Noise in fine layers only "
        f"({describe_noise_inputs(parts['fine'], config)}). (d) Noise in coarse layers only "
        f"({describe_noise_inputs(parts['coarse'], config)})."
    )
    words = ["(a) all layers", "(b) no noise", "(c) fine layers", "(d) coarse layers"]
    return FigureLayout(
        caption, [[ImagePanel(images, columns=words, zoom=zoom_for_labels(images))]]
    )


def zoom_for_labels(images: Tensor) -> int:
    """Such that the words above a column fit."""
    return max(1, -(-MIN_COLUMN_WIDTH // images.shape[-1]))


TRUNCATION_PSIS = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""Of the columns, as published; on all layers."""
DEFAULT_TRUNCATION_SEEDS = (91, 388)


def truncation_trick(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 8: a row for each seed, a column for each psi."""
    columns = []
    for number, psi in enumerate(TRUNCATION_PSIS, 1):
        pipeline = subject.pipeline(psi=psi)
        sources = subject.sources(pipeline, DEFAULT_TRUNCATION_SEEDS)
        columns.append(pipeline.draw(pipeline.codes(sources)).cpu())
        on_progress(number, len(TRUNCATION_PSIS))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 8. The effect of truncation as a function of the style scale psi, for "
        f"{subject.name}. At psi = 0 every row is the mean image; with negative psi comes the "
        "opposite, an anti-face."
    )
    words = [f"psi = {psi:g}" for psi in TRUNCATION_PSIS]
    return FigureLayout(caption, [[ImagePanel(images, columns=words)]])
