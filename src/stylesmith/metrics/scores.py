"""Scores of sets of images from features or class probabilities.

Frechet distance (FID; Heusel et al. 2017), kernel distance (KID; Binkowski et al. 2018) and
Inception Score (Salimans et al. 2016). Moments are accumulated in float64.
"""

import math
from typing import Self

import torch
from torch import Tensor

from stylesmith import distributed
from stylesmith.devices import to_float64
from stylesmith.errors import DataError
from stylesmith.latents import RandomKeys


class Moments:
    """Count, mean and scatter of all rows seen so far; only O(D^2) numbers are kept.

    Scatter is the sum of products of deviations from the mean. Rows are taken relative to the mean
    of the first ones, so nothing cancels as in E[x^2] - m^2, and one matrix product per batch is
    all the work. It is done where the features lie; on the CPU where a device has no float64.
    """

    def __init__(self, count: int, mean: Tensor, scatter: Tensor):
        """Of `count` rows with this mean `(D,)` and scatter `(D, D)`, both float64."""
        self.count = count
        self._center = mean
        self._sum = torch.zeros_like(mean)
        """Of deviations from the center."""
        self._products = scatter
        """Of deviations from the center, summed."""

    @classmethod
    def empty(cls, dimension: int, device: torch.device | str = "cpu") -> Self:
        """Of no rows."""
        mean = to_float64(torch.zeros(dimension, device=device))
        return cls(0, mean, mean.new_zeros(dimension, dimension))

    @property
    def mean(self) -> Tensor:
        """`(D,)` float64; 0 of no rows."""
        return self._center + self._sum / max(1, self.count)

    @property
    def scatter(self) -> Tensor:
        """`(D, D)` float64."""
        return self._products - torch.outer(self._sum, self._sum) / max(1, self.count)

    @property
    def covariance(self) -> Tensor:
        """`(D, D)` float64, divided by N - 1.

        Raises:
            DataError: If there are fewer than two rows.
        """
        if self.count < 2:
            raise DataError(f"a covariance needs at least 2 images, got {self.count}.")
        return self.scatter / (self.count - 1)

    def add(self, features: Tensor) -> None:
        """Take more rows, `(N, D)`, of any float type."""
        if not len(features):
            return
        rows = features.to(self._center.device, torch.float64)
        if not self.count:
            self._center = rows.mean(dim=0)
        rows = rows - self._center
        self.count += len(rows)
        self._sum += rows.sum(dim=0)
        self._products.addmm_(rows.T, rows)

    def all_reduced(self) -> "Moments":
        """The moments of the rows of all processes, in every one of them."""
        mean, scatter, count = self.mean, self.scatter, self.count
        total = int(distributed.all_reduce_sum(torch.tensor([count])))
        common = distributed.all_reduce_sum(mean * count) / max(1, total)
        shift = mean - common
        scatter = distributed.all_reduce_sum(scatter + count * torch.outer(shift, shift))
        return Moments(total, common, scatter)


def frechet_distance(real: Moments, fake: Moments) -> float:
    """Frechet distance of two Gaussians (Heusel et al. 2017, Eq. 6); 0 when equal.

    Uses Tr (AB)^1/2 = Tr (A^1/2 B A^1/2)^1/2, which is symmetric, so no complex residue has to be
    dropped and a covariance without full rank needs no offset.

    Raises:
        DataError: If either has fewer than two rows.
    """
    a, b = real.covariance, fake.covariance.to(real.mean.device)
    root = matrix_sqrt(a)
    overlap = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    shift = (real.mean - fake.mean.to(real.mean.device)).square().sum()
    distance = shift + a.trace() + b.trace() - 2 * overlap
    return max(0.0, float(distance))  # rounding takes equal sets to about -1e-8 times the trace


def matrix_sqrt(matrix: Tensor) -> Tensor:
    """The symmetric root of a positive semi-definite matrix, `(D, D)`."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


DEFAULT_SUBSETS = 100
DEFAULT_SUBSET_SIZE = 1000


def kernel_distance(
    real: Tensor,
    fake: Tensor,
    *,
    keys: RandomKeys,
    subsets: int = DEFAULT_SUBSETS,
    subset_size: int = DEFAULT_SUBSET_SIZE,
) -> float:
    """Mean over random subsets of the unbiased estimate (Binkowski et al. 2018); about 0 if equal.

    Papers often print it times 1000. Being unbiased, it may be a little negative.

    Args:
        real: Features, `(N, D)`.
        fake: Features, `(M, D)`.
        keys: Choose the subsets.
        subsets: How many.
        subset_size: Images of each set in a subset; all of the smaller set where it has fewer.

    Raises:
        DataError: If either set has fewer than two images.
    """
    size = min(len(real), len(fake), subset_size)
    if size < 2:
        raise DataError(f"a kernel distance needs at least 2 images of each set, got {size}.")
    values = []
    for number in range(subsets):
        chosen = [
            features[torch.from_numpy(keys.permutation(len(features), purpose, number)[:size])]
            for features, purpose in ((real, "kernel real"), (fake, "kernel fake"))
        ]
        values.append(squared_mmd(*chosen))
    return sum(values) / subsets


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased estimate from samples of one size, both `(m, D)`, in float64."""
    x, y = to_float64(x), to_float64(y)
    m = len(x)
    within = sum(
        k.sum() - k.diagonal().sum() for k in (polynomial_kernel(x, x), polynomial_kernel(y, y))
    )
    return float(within / (m * (m - 1)) - 2 * polynomial_kernel(x, y).mean())


def polynomial_kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x.y / D + 1)^3 of all pairs, `(N, D)` and `(M, D)` -> `(N, M)`."""
    return (x @ y.T / x.shape[1] + 1) ** 3


DEFAULT_SPLITS = 10


class InceptionScore:
    """Sums over class probabilities in contiguous splits; no table of probabilities is kept."""

    def __init__(self, count: int, classes: int, *, splits: int = DEFAULT_SPLITS):
        """For `count` images in all.

        Raises:
            DataError: If there are fewer images than splits.
        """
        if count < splits:
            raise DataError(f"{splits} splits need at least {splits} images, got {count}.")
        self.bounds = torch.tensor([count * i // splits for i in range(splits + 1)])
        self.sums = torch.zeros(splits, classes, dtype=torch.float64)
        self.negentropy = torch.zeros(splits, dtype=torch.float64)

    def add(self, start: int, probabilities: Tensor) -> None:
        """Take the probabilities `(N, K)` of the images from number `start` on."""
        p = probabilities.to("cpu", torch.float64)
        places = torch.arange(start, start + len(p))
        split = torch.bucketize(places, self.bounds, right=True) - 1
        self.sums.index_add_(0, split, p)
        self.negentropy.index_add_(0, split, torch.special.xlogy(p, p).sum(dim=1))

    def all_reduce(self) -> None:
        """Add up what all processes have seen."""
        self.sums = distributed.all_reduce_sum(self.sums)
        self.negentropy = distributed.all_reduce_sum(self.negentropy)

    def compute(self) -> tuple[float, float]:
        """Mean over splits of exp E KL(p(y|x) || p(y)) (Salimans et al. 2016), and their spread.

        The spread is the population standard deviation, as in the published tables.
        """
        sizes = self.bounds.diff().double()
        marginal = self.sums / sizes[:, None]
        divergence = self.negentropy / sizes - torch.special.xlogy(marginal, marginal).sum(dim=1)
        scores = divergence.exp()
        return float(scores.mean()), math.sqrt(float(scores.var(unbiased=False)))
