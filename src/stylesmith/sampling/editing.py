"""Style mixing, and images moved along directions, as tensors and as grids.

Source: StyleGAN, section 3.1, Figure 3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.networks.latent_codes import LatentCodes, SeedOrLatent
from stylesmith.networks.layer_indices import LayerIndices, describe_layers, format_layers, ws_rows
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.sampling.directions import Direction
from stylesmith.sampling.image_files import ImageGrid, PlacedImages, draw_cells


@dataclass(frozen=True)
class MixingRow:
    """One row of a style mixing grid."""

    source: SeedOrLatent
    """The image at its left."""
    layers: LayerIndices
    """The layers whose styles come from the images across the top."""


def mix_styles(
    codes: LatentCodes, style_codes: LatentCodes, layers: LayerIndices, config: GeneratorConfig
) -> LatentCodes:
    """Replace the styles of some layers; all else stays.

    Args:
        codes: Of one image, or of as many as `style_codes`.
        style_codes: Of N images, which the styles of `layers` are taken from; their noise is not
            used.
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
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write a grid of every row's image with the styles of every column's.

    Raises:
        UsageError: If no style belongs to the layers of a row, or the grid would be too large.
        OutputError: If it cannot be written.
    """
    grid = ImageGrid(path, len(rows) + 1, len(columns) + 1, header_cells=(1, 1))
    cells = mixing_cells(pipeline, rows, columns)
    grid.write(cells, total=grid.rows * grid.columns - 1, on_progress=on_progress)


def mixing_cells(
    pipeline: SamplingPipeline, rows: Sequence[MixingRow], columns: Sequence[SeedOrLatent]
) -> Iterator[PlacedImages]:
    """Draw a grid of style mixing: sources in the first row and column, none in the corner.

    Raises:
        UsageError: If no style belongs to the layers of a row.
    """
    styles = pipeline.codes(columns)
    yield from draw_cells(pipeline, styles, 1)
    for number, row in enumerate(rows, 1):
        own, first = pipeline.codes([row.source]), number * (len(columns) + 1)
        yield from draw_cells(pipeline, own, first)
        mixed = mix_styles(own, styles, row.layers, pipeline.config)
        yield from draw_cells(pipeline, mixed, first + 1)


def write_editing_grid(
    pipeline: SamplingPipeline,
    sources: Sequence[SeedOrLatent],
    directions: Sequence[Direction],
    strengths: Sequence[float],
    path: Path,
    *,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Write a grid: for each direction a row for each image, strengths from left to right.

    Raises:
        UsageError: If the grid would be too large.
        OutputError: If it cannot be written.
    """
    rows = [(direction, source) for direction in directions for source in sources]
    grid = ImageGrid(path, len(rows), len(strengths))
    steps = torch.tensor(list(strengths), device=pipeline.device)

    def cells() -> Iterator[PlacedImages]:
        for row, (direction, source) in enumerate(rows):
            moved = direction.apply(pipeline.codes([source]), steps, pipeline.config)
            yield from draw_cells(pipeline, moved, row * grid.columns)

    grid.write(cells(), total=grid.rows * grid.columns, on_progress=on_progress)
