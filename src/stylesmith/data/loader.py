"""Order of the training images by (seed, position), and batches decoded by threads in advance."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from stylesmith.data.dataset import Dataset
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


ImageAndLabel = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class ImageBatch:
    """Images and their labels."""

    images: Tensor
    """uint8 `(N, C, H, W)`."""
    labels: Tensor
    """float32 `(N, label_size)`."""


class BatchLoader:
    """Serves the images at any positions of the endless order; it has no position of its own.

    What it returns depends on the data, the keys and the positions alone: not on the number of
    workers, nor on what was asked for before.
    """

    def __init__(self, dataset: Dataset, *, keys: RandomKeys, mirror: bool, workers: int = 2):
        self._dataset = dataset
        self._keys = keys
        self._mirror = mirror
        self._sampler = Sampler(len(dataset), keys)
        self._pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="decode")
        self._pending: dict[int, Future[ImageAndLabel]] = {}

    def load_batch(self, positions: Sequence[int], prefetch: Sequence[int] = ()) -> ImageBatch:
        """The images at `positions`; those at `prefetch` are begun, to be ready the next time.

        Raises:
            DataError: If one of `positions` is damaged, naming the file.
        """
        begun = {position: self._submit(position) for position in (*positions, *prefetch)}
        for position in self._pending.keys() - begun.keys():
            self._pending[position].cancel()
        self._pending = {position: begun[position] for position in prefetch}
        items = [begun[position].result() for position in positions]
        images = np.stack([pixels for pixels, _ in items])
        labels = np.stack([label for _, label in items])
        return ImageBatch(torch.from_numpy(images), torch.from_numpy(labels))

    def random_labels(self, numbers: Sequence[int]) -> Tensor:
        """The labels of images chosen by random numbers, float32 `(N, label_size)`."""
        rows = [self._dataset.label(draw % len(self._dataset)) for draw in numbers]
        return torch.from_numpy(np.stack(rows))

    def close(self) -> None:
        """Stop the workers."""
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, position: int) -> Future[ImageAndLabel]:
        return self._pending.get(position) or self._pool.submit(self._read_image, position)

    def _read_image(self, position: int) -> ImageAndLabel:
        pixels, label = self._dataset.image_and_label(self._sampler.index(position))
        if self._mirror and self._keys.uniform("mirror", position) < 0.5:
            pixels = pixels[..., ::-1]
        return pixels, label
