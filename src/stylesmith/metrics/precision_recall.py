"""Nearest-neighbor metrics of features.

Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) and
authenticity (Alaa et al. 2022). All pairwise distances are computed in blocks: 50,000 x 50,000
distances would take 10 GB at once, a block takes 128 MB.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.devices import to_float64
from stylesmith.errors import DataError

BLOCK_ROWS, BLOCK_COLUMNS = 4096, 8192
"""Shape of a block of distances."""

DistanceBlock = tuple[slice, slice, Tensor]
"""Rows of the first table, rows of the second, and their squared distances."""


def distance_blocks(a: Tensor, b: Tensor) -> Iterator[DistanceBlock]:
    """Squared Euclidean distances of `(N, D)` and `(M, D)`, block after block of rows.

    Computed as |x|^2 - 2 x.y + |y|^2 around the mean of `b`, in the tables' number format. What
    is below the rounding error of that is 0, so that equal rows have the distance 0.
    """
    center = b.mean(dim=0)
    for i in range(0, len(a), BLOCK_ROWS):
        x = a[i : i + BLOCK_ROWS] - center
        x_norms = x.square().sum(dim=1, keepdim=True)
        for j in range(0, len(b), BLOCK_COLUMNS):
            y = b[j : j + BLOCK_COLUMNS] - center
            norms = x_norms + y.square().sum(dim=1)
            squared = torch.addmm(norms, x, y.T, alpha=-2)
            noise = norms.mul_(8 * torch.finfo(a.dtype).eps)
            squared.masked_fill_(squared < noise, 0)
            yield slice(i, i + len(x)), slice(j, j + len(y)), squared


@dataclass(frozen=True)
class NearestNeighbors:
    """The nearest of a set to each query, the nearest first."""

    indices: Tensor
    """`(N, k)`"""
    squared: Tensor
    """Squared Euclidean distances, `(N, k)`."""


def nearest_neighbors(
    queries: Tensor, table: Tensor, k: int = 1, *, skip_self: bool = False
) -> NearestNeighbors:
    """The k rows of `table`, `(M, D)`, that are nearest to each of `queries`, `(N, D)`.

    With `skip_self` the row with the query's own index does not count.

    Raises:
        DataError: If the table has fewer than k rows.
    """
    if len(table) < k:
        raise DataError(f"{k} nearest images were asked for, there are {len(table)}.")
    best = torch.full((len(queries), k), torch.inf, dtype=queries.dtype, device=queries.device)
    indices = torch.zeros(len(queries), k, dtype=torch.long, device=queries.device)
    for i, j, squared in distance_blocks(queries, table):
        offset = i.start - j.start
        if skip_self and -len(squared) < offset < squared.shape[1]:
            squared.diagonal(offset).fill_(torch.inf)
        values, columns = squared.topk(min(k, squared.shape[1]), largest=False)
        best[i], order = torch.cat([best[i], values], dim=1).topk(k, largest=False)
        indices[i] = torch.cat([indices[i], columns + j.start], dim=1).gather(1, order)
    return NearestNeighbors(indices, best)


def knn_radii(table: Tensor, k: int) -> Tensor:
    """Squared distance of each row of `(N, D)` to its k-th nearest other row, `(N,)`."""
    return nearest_neighbors(table, table, k, skip_self=True).squared[:, -1]


@dataclass(frozen=True)
class PrecisionRecall:
    """How two sets of images lie in each other; each image has a ball up to its k-th neighbor."""

    precision: float
    """Share of fakes inside the ball of any real image (Kynkaanniemi et al. 2019)."""
    recall: float
    """Share of reals inside the ball of any fake image."""
    density: float
    """Balls of reals that a fake lies in, over k; may exceed 1 (Naeem et al. 2020, Eq. 3)."""
    coverage: float
    """Share of reals whose ball holds a fake (Naeem et al. 2020, Eq. 4)."""


def compute_precision_recall(real: Tensor, fake: Tensor, *, k: int = 3) -> PrecisionRecall:
    """All four numbers from one pass over the distances.

    Args:
        real: Features, `(N, D)`.
        fake: Features, `(M, D)`.
        k: Which neighbor is on the ball; an image is not its own neighbor.

    Raises:
        DataError: If a set has no k-th neighbors.
    """
    for kind, features in (("real", real), ("generated", fake)):
        if len(features) <= k:
            raise DataError(
                f"{len(features)} {kind} images: the neighbor number {k} needs {k + 1} or more."
            )
    real_radii = knn_radii(real, k)
    fake_radii = knn_radii(fake, k)
    balls_around_fake = torch.zeros(len(fake), dtype=torch.long, device=fake.device)
    real_inside = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    real_covered = torch.zeros_like(real_inside)
    for i, j, squared in distance_blocks(fake, real):
        fake_in_ball = squared <= real_radii[j]
        balls_around_fake[i] += fake_in_ball.sum(dim=1)
        real_covered[j] |= fake_in_ball.any(dim=0)
        real_inside[j] |= (squared <= fake_radii[i, None]).any(dim=0)
    return PrecisionRecall(
        precision=_mean(balls_around_fake > 0),
        recall=_mean(real_inside),
        density=_mean(balls_around_fake) / k,
        coverage=_mean(real_covered),
    )


def _mean(values: Tensor) -> float:
    """The mean of counts or flags."""
    return float(to_float64(values).mean())


MAX_AUTHENTICITY_RATIO = 1e6
"""Largest ratio; where training images have duplicates there would be no end."""


def authenticity_ratios(fake: Tensor, real: Tensor) -> tuple[Tensor, NearestNeighbors]:
    """How near each fake is to its nearest real, in units of that real's own nearest neighbor.

    Below 1, a fake is closer to a training image than any other training image is: the share of
    such fakes measures memorization (Alaa et al. 2022, authenticity). Copies have 0.

    Args:
        fake: Features, `(N, D)`.
        real: Features of at least two images, `(M, D)`.

    Returns:
        The ratios, `(N,)`, and the nearest real images.
    """
    nearest = nearest_neighbors(fake, real)
    unit = knn_radii(real, 1).sqrt()[nearest.indices[:, 0]]
    ratios = nearest.squared[:, 0].sqrt() / unit.clamp(min=torch.finfo(unit.dtype).tiny)
    return ratios.clamp(max=MAX_AUTHENTICITY_RATIO), nearest
