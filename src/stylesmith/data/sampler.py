"""The endless order in which images are shown: a function of (seed, position), without state."""

from functools import lru_cache

import numpy as np

from stylesmith.latents import RandomKeys


class Sampler:
    """Every image once per epoch, each epoch in another order.

    Position 0 is the first image that a run is shown. A run that resumes, or a rank that takes
    every other position, needs nothing but the number.
    """

    def __init__(self, length: int, keys: RandomKeys):
        self.length = length
        self._keys = keys
        self._order = lru_cache(maxsize=2)(self._permutation)  # a batch may span two epochs

    def index(self, position: int) -> int:
        """The image at a position."""
        epoch, place = divmod(position, self.length)
        return int(self._order(epoch)[place])

    def _permutation(self, epoch: int) -> np.ndarray:
        return self._keys.permutation(self.length, "order", epoch)
