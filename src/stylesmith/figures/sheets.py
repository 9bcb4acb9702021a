"""Many pictures on one panel: drawn in batches, in rows and columns, or in several sizes."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.figures.subject import ProgressCallback
from stylesmith.sampling import SamplingPipeline, SeedOrLatent, draw_batches


def draw_images(
    painter: SamplingPipeline, sources: Sequence[SeedOrLatent], on_progress: ProgressCallback
) -> Tensor:
    """Images `(N, C, H, W)` of all sources, on the CPU."""
    images: list[Tensor] = []
    for _, drawn in draw_batches(painter, sources):
        images.extend(drawn)
        on_progress(len(images), len(sources))
    return torch.stack(images)


def arrange_in_rows(images: Tensor, columns: int | None = None) -> Tensor:
    """Images `(N, C, H, W)` to `(rows, columns, C, H, W)`; places that are left over are NaN."""
    columns = columns or choose_columns(len(images))
    rows = math.ceil(len(images) / columns)
    places = images.new_full((rows * columns, *images.shape[1:]), torch.nan)
    places[: len(images)] = images
    return places.unflatten(0, (rows, columns))


def choose_columns(count: int) -> int:
    """From a square to twice as wide as high: where the fewest places are left over."""
    widths = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2 * count)) + 1)
    return min(widths, key=lambda columns: (-count % columns, columns))


def columns_of_falling_size(
    images: Tensor, rows: int, lods: Sequence[int], *, side: int = 256
) -> Tensor:
    """Images side by side in columns of falling size, as StyleGAN shows uncurated samples.

    Small images are enlarged, so that the largest have about `side` pixels and the smallest ones
    still their own; large ones are averaged over areas.

    Args:
        images: `(N, C, H, W)`, of which column after column takes its share from top to bottom.
        rows: Of the columns of full size.
        lods: One per column: its images have 1 / 2**lod of the full side, and are 2**lod as many.
        side: Pixels that the shorter side should have at least, at full size.

    Returns:
        One picture `(C, height, width)`.
    """
    assert len(images) == count_falling_size_images(rows, lods)
    doublings = max(0, math.ceil(math.log2(side / min(images.shape[-2:]))))
    columns, first = [], 0
    for lod in lods:
        count = rows << lod
        column = resize_by_doublings(images[first : first + count], doublings - lod)
        columns.append(torch.cat(column.unbind(), dim=1))
        first += count
    return torch.cat(columns, dim=2)


def count_falling_size_images(rows: int, lods: Sequence[int]) -> int:
    """How many images such columns hold."""
    return sum(rows << lod for lod in lods)


def resize_by_doublings(images: Tensor, doublings: int) -> Tensor:
    """Pixels repeated so many times over; averaged, where that is negative."""
    if doublings >= 0:
        return F.interpolate(images, scale_factor=2**doublings, mode="nearest-exact")
    return F.avg_pool2d(images, 2**-doublings)
