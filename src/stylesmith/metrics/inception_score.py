"""Inception score: are single images clear, and all of them together varied?"""

import math

import torch
from torch import Tensor

from stylesmith import distributed
from stylesmith.errors import DataError

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
