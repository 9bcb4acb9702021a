"""Style mixing, and images moved along directions, as tensors and as grids.

Source: StyleGAN, section 3.1, Figure 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.sampling.directions import Direction
from stylesmith.sampling.image_files import DEFAULT_BATCH_SIZE, ImageGrid
from stylesmith.sampling.latent_codes import LatentCodes, SeedOrLatent
from stylesmith.sampling.parsing import LayerIndices, describe_layers, format_layers, ws_rows
from stylesmith.sampling.pipeline import SamplingPipeline


@dataclass(frozen=True)
class MixingRow:
    """One row of the figure."""

    source: SeedOrLatent
    """The picture at its left."""
    layers: LayerIndices
    """What the pictures across the top put in."""


def mix_styles(
    codes: LatentCodes, style_codes: LatentCodes, layers: LayerIndices, config: GeneratorConfig
) -> LatentCodes:
    """Put styles into codes: those of `layers` come from `styles`, all else stays.

    Args:
        codes: Of one image, or of as many as `styles`.
        style_codes: Of N images; their noise is not used.
        layers: Any layers; several runs of them are several crossovers.
        config: Of the generator.

    Returns:
        Codes of N images.

    Raises:
        UsageError: If no style belongs to `layers`.
    """
    rows = ws_rows(layers, config)
    if not rows:
        has = "one style, for layer 0" if config.num_ws == 1 else describe_layers(config)
        raise UsageError(f"layers {format_layers(layers) or 'none'}: have no style here; {has}")
    return codes.with_ws_rows(style_codes.ws, rows)


def write_mixing_grid(
    pipeline: SamplingPipeline,
    rows: Sequence[MixingRow],
    columns: Sequence[SeedOrLatent],
    path: Path,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write a figure of every row's picture with the styles of every column's.

    Raises:
        UsageError: If no style belongs to the layers of a row, or the figure would be too large.
        OutputError: If it cannot be written.
    """
    sheet = ImageGrid(path, len(rows) + 1, len(columns) + 1, header_cells=(1, 1))
    total = (len(rows) + 1) * (len(columns) + 1) - 1
    styles = pipeline.codes(columns)

    def place(codes: LatentCodes, first: int) -> None:
        for start in range(0, len(codes), batch_size):
            images = pipeline.draw(codes[start : start + batch_size])
            sheet.paste(images, first + start)
            if on_progress:
                on_progress(first + start + len(images) - 1, total)

    place(styles, 1)
    for number, row in enumerate(rows, 1):
        own = pipeline.codes([row.source])
        first = number * sheet.columns
        place(own, first)
        place(mix_styles(own, styles, row.layers, pipeline.config), first + 1)
    sheet.save()


def draw_edited(
    pipeline: SamplingPipeline, codes: LatentCodes, direction: Direction, strengths: Sequence[float]
) -> Tensor:
    """Images of one picture moved by each strength, `(N, C, H, W)`; 0 leaves it as it is."""
    steps = torch.tensor(list(strengths), device=pipeline.device)
    moved = direction.apply(codes, steps, pipeline.config)
    with direction.shifting_styles(pipeline.generator, steps):
        return pipeline.draw(moved)


def write_editing_grid(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    directions: Sequence[Direction],
    strengths: Sequence[float],
    path: Path,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write a page: for each direction a row for each picture, strengths from left to right.

    Raises:
        UsageError: If the page would be too large.
        OutputError: If it cannot be written.
    """
    rows = [(direction, source) for direction in directions for source in sources]
    sheet = ImageGrid(path, len(rows), len(strengths))
    for row, (direction, source) in enumerate(rows):
        codes = pipeline.codes([source])
        for start in range(0, len(strengths), batch_size):
            some = strengths[start : start + batch_size]
            sheet.paste(draw_edited(pipeline, codes, direction, some), row * len(strengths) + start)
        if on_progress:
            on_progress((row + 1) * len(strengths), len(rows) * len(strengths))
    sheet.save()
