"""Precision, recall, density and coverage: quality and variety apart, by nearest neighbors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.errors import DataError
from stylesmith.metrics.distances import (
    BLOCK_COLUMNS,
    BLOCK_ROWS,
    distance_blocks,
    knn_radii,
)


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


def compute_precision_recall(
    real: Tensor,
    fake: Tensor,
    *,
    k: int = 3,
    rows: int = BLOCK_ROWS,
    columns: int = BLOCK_COLUMNS,
) -> PrecisionRecall:
    """All four numbers from one pass over the distances.

    Args:
        real: Features, `(N, D)`.
        fake: Features, `(M, D)`.
        k: Which neighbor is on the ball; an image is not its own neighbor.
        rows: Fakes in a block of distances.
        columns: Reals in a block of distances.

    Raises:
        DataError: If a side has no k-th neighbors.
    """
    for kind, features in (("real", real), ("generated", fake)):
        if len(features) <= k:
            raise DataError(
                f"{len(features)} {kind} images: the neighbor number {k} needs {k + 1} or more."
            )
    real_radii = knn_radii(real, k, rows=rows, columns=columns)
    fake_radii = knn_radii(fake, k, rows=rows, columns=columns)
    balls_around_fake = torch.zeros(len(fake), dtype=torch.long, device=fake.device)
    real_inside = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    real_covered = torch.zeros_like(real_inside)
    for i, j, squared in distance_blocks(fake, real, rows=rows, columns=columns):
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
    return float(values.double().mean())
