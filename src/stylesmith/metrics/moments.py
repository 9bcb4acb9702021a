"""Mean and covariance of a stream of features, in float64 and mergeable."""

from typing import Self

import torch
from torch import Tensor

from stylesmith import distributed
from stylesmith.errors import DataError


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
        place = "cpu" if torch.device(device).type == "mps" else device
        mean = torch.zeros(dimension, dtype=torch.float64, device=place)
        return cls(0, mean, torch.zeros(dimension, dimension, dtype=torch.float64, device=place))

    @classmethod
    def from_features(cls, features: Tensor) -> Self:
        """Of the rows of one table, `(N, D)`."""
        moments = cls.empty(features.shape[1], features.device)
        moments.add(features)
        return moments

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
        total = int(distributed.all_reduce_sum(torch.tensor([count], device=mean.device)))
        common = distributed.all_reduce_sum(mean * count) / max(1, total)
        shift = mean - common
        scatter = distributed.all_reduce_sum(scatter + count * torch.outer(shift, shift))
        return Moments(total, common, scatter)
