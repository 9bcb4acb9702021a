"""Moving pictures along directions."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.sampling.codes import LatentCodes
from stylesmith.sampling.direction import Direction
from stylesmith.sampling.draw import DEFAULT_BATCH_SIZE, ProgressCallback
from stylesmith.sampling.painter import SamplingPipeline
from stylesmith.sampling.sheet import ImageGrid
from stylesmith.sampling.sources import SeedOrLatent


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
