"""Moving pictures along directions."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.sampling.codes import Codes
from stylesmith.sampling.direction import Direction
from stylesmith.sampling.draw import BATCH, Progress
from stylesmith.sampling.painter import Painter
from stylesmith.sampling.sheet import Sheet
from stylesmith.sampling.sources import Source


def draw_edited(
    painter: Painter, codes: Codes, direction: Direction, strengths: Sequence[float]
) -> Tensor:
    """Images of one picture moved by each strength, `(N, C, H, W)`; 0 leaves it as it is."""
    steps = torch.tensor(list(strengths), device=painter.device)
    moved = direction.moved(codes, steps, painter.config)
    with direction.moving_styles(painter.generator, steps):
        return painter.draw(moved)


def editing_sheet(
    painter: Painter,
    sources: Sequence[Source],
    directions: Sequence[Direction],
    strengths: Sequence[float],
    path: Path,
    *,
    batch_size: int = BATCH,
    on_progress: Progress | None = None,
) -> None:
    """Write a page: for each direction a row for each picture, strengths from left to right.

    Raises:
        UsageError: If the page would be too large.
        OutputError: If it cannot be written.
    """
    rows = [(direction, source) for direction in directions for source in sources]
    sheet = Sheet(path, len(rows), len(strengths))
    for row, (direction, source) in enumerate(rows):
        codes = painter.codes([source])
        for start in range(0, len(strengths), batch_size):
            some = strengths[start : start + batch_size]
            sheet.place(draw_edited(painter, codes, direction, some), row * len(strengths) + start)
        if on_progress:
            on_progress((row + 1) * len(strengths), len(rows) * len(strengths))
    sheet.save()
