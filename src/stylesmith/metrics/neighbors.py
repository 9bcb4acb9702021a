"""The training images nearest to a sample: does the generator draw, or does it remember?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.errors import DataError
from stylesmith.metrics.distances import (
    BLOCK_COLUMNS,
    BLOCK_ROWS,
    distance_blocks,
    knn_radii,
    merge_k_smallest,
)

MAX_AUTHENTICITY_RATIO = 1e6
"""Largest ratio; where training images have duplicates there would be no end."""


@dataclass(frozen=True)
class NearestNeighbors:
    """The nearest of a set to each query, the nearest first."""

    indices: Tensor
    """`(N, k)`"""
    distances: Tensor
    """Euclidean, `(N, k)`."""


def nearest_neighbors(
    queries: Tensor,
    table: Tensor,
    k: int = 1,
    *,
    rows: int = BLOCK_ROWS,
    columns: int = BLOCK_COLUMNS,
) -> NearestNeighbors:
    """The k rows of `table`, `(M, D)`, that are nearest to each of `queries`, `(N, D)`.

    Raises:
        DataError: If the table has fewer than k rows.
    """
    if len(table) < k:
        raise DataError(f"{k} nearest images were asked for, there are {len(table)}.")
    best = torch.full((len(queries), k), torch.inf, dtype=queries.dtype, device=queries.device)
    indices = torch.zeros(len(queries), k, dtype=torch.long, device=queries.device)
    for i, j, squared in distance_blocks(queries, table, rows=rows, columns=columns):
        best[i], places = merge_k_smallest(best[i], squared)
        old = indices[i].gather(1, places.clamp(max=k - 1))
        indices[i] = torch.where(places < k, old, places - k + j.start)
    return NearestNeighbors(indices, best.sqrt())


def authenticity_ratios(fake: Tensor, real: Tensor) -> tuple[Tensor, NearestNeighbors]:
    """How near each fake is to its nearest real, in units of that real's own nearest neighbor.

    Below 1, a fake is closer to a training image than any other training image is: the share of
    such fakes tells memorization (Alaa et al. 2022, authenticity). Copies have 0.

    Args:
        fake: Features, `(N, D)`.
        real: Features of at least two images, `(M, D)`.

    Returns:
        The ratios, `(N,)`, and the nearest real images.
    """
    nearest = nearest_neighbors(fake, real)
    unit = knn_radii(real, 1).sqrt()[nearest.indices[:, 0]]
    ratios = nearest.distances[:, 0] / unit.clamp(min=torch.finfo(unit.dtype).tiny)
    return ratios.clamp(max=MAX_AUTHENTICITY_RATIO), nearest
