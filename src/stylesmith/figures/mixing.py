"""Style mixing: coarse, middle and fine styles of other pictures (StyleGAN, Figure 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.sheets import draw_images
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.figures.words import describe_psi, describe_sources, describe_style_layers
from stylesmith.networks import Generator
from stylesmith.sampling import (
    LayerIndices,
    MixingRow,
    SamplingPipeline,
    SeedOrLatent,
    layer_groups,
    mix,
)
from stylesmith.sampling.draw import DEFAULT_BATCH_SIZE

DEFAULT_SEEDS_A = (888, 829, 1898, 1733, 1614, 845)
"""Of the pictures down the left side, which are changed."""
DEFAULT_SEEDS_B = (639, 701, 687, 615, 2268)
"""Of the pictures across the top, which lend their styles."""
ROWS_PER_LAYER_GROUP = {"coarse": 3, "middle": 2, "fine": 1}
"""How many rows each range of styles has."""


def style_mixing(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 3: everything as source A is, but for some styles of source B."""
    subject.require_styles()
    painter = subject.pipeline()
    ranges = trained_layer_groups(subject.generator)
    named = [(name, ranges[name]) for name in ranges for _ in range(ROWS_PER_LAYER_GROUP[name])]
    sources = subject.sources(painter, (*DEFAULT_SEEDS_A[: len(named)], *DEFAULT_SEEDS_B))
    if len(sources) <= len(named):
        raise UsageError(
            f"--seeds: wanted {len(named)} for source A, one for each row, and one or more for "
            f"source B, got {len(sources)}"
        )
    rows = [MixingRow(source, layers) for source, (_, layers) in zip(sources, named, strict=False)]
    top = sources[len(named) :]
    images = mixed_images(painter, rows, top, on_progress)
    spans = "; ".join(
        f"{name} styles are {describe_style_layers(layers, painter.config)}"
        for name, layers in ranges.items()
    )
    caption = (
        f"StyleGAN, Figure 3, for {subject.name}. Sources A (down, "
        f"{describe_sources(sources[: len(named)])}) and B (across, {describe_sources(top)}) were drawn "
        f"from their own latent codes{describe_psi(subject.options)}; all others copy a subset of "
        f"styles from source B and take the rest from source A. {spans.capitalize()}."
    )
    words = ["", *(f"{name.capitalize()} styles from source B" for name, _ in named)]
    columns = ["source A", *["source B"] * len(top)]
    return FigureLayout(caption, [[ImagePanel(images, rows=words, columns=columns)]])


def trained_layer_groups(generator: Generator) -> dict[str, LayerIndices]:
    """The ranges of the figure, as far as the levels go that are trained so far."""
    growth = generator.growth
    levels = growth.level + 1 if growth else generator.config.levels
    parts = {
        name: tuple(layer for layer in layers if layer < 2 * levels)
        for name, layers in layer_groups(generator.config).items()
    }
    return {name: layers for name, layers in parts.items() if layers}


def mixed_images(
    painter: SamplingPipeline,
    rows: Sequence[MixingRow],
    top: Sequence[SeedOrLatent],
    on_progress: ProgressCallback,
) -> Tensor:
    """Images `(1 + rows, 1 + columns, C, H, W)`, all NaN in the corner."""
    lenders = painter.codes(top)
    total = len(rows) + 1
    across = draw_images(painter, top, lambda done, of: None)
    corner = torch.full_like(across[:1], torch.nan)
    lines = [torch.cat([corner, across])]
    for row in rows:
        own = painter.codes([row.source])
        mixed = [
            painter.draw(
                mix(own, lenders[start : start + DEFAULT_BATCH_SIZE], row.layers, painter.config)
            )
            for start in range(0, len(top), DEFAULT_BATCH_SIZE)
        ]
        lines.append(torch.cat([painter.draw(own), *mixed]).cpu())
        on_progress(len(lines), total)
    return torch.stack(lines)
