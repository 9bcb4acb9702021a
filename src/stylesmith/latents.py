"""Random numbers: from a seed to z and noise, and keyed numbers for training.

Drawing follows the convention of the published tools, so that published seeds redraw published
images. Training keys every number by what it is for, which gives exact resume and independence
of ranks, workers and micro-batches at once.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

NoiseShape = tuple[int, int]


def latents_from_seeds(seeds: Iterable[int], z_dim: int) -> Tensor:
    """One z per seed, `(N, z_dim)` float32: `numpy.random.RandomState(seed).randn(1, z_dim)`."""
    rows = [stream.randn(1, z_dim) for stream in _random_states(seeds)]
    return torch.from_numpy(np.concatenate(rows)).float()


def noise_from_seeds(
    seeds: Iterable[int], z_dim: int, shapes: Sequence[NoiseShape]
) -> list[Tensor]:
    """Noise maps of each seed, one `(N, 1, H, W)` per shape.

    They continue the stream that gave the seed's z, as in the StyleGAN2 tools.
    """
    rows = []
    for stream in _random_states(seeds):
        stream.randn(1, z_dim)
        rows.append([torch.from_numpy(stream.randn(1, *shape)).float() for shape in shapes])
    return [torch.stack(maps) for maps in zip(*rows, strict=True)]


def _random_states(seeds: Iterable[int]) -> Iterator[np.random.RandomState]:
    """The random numbers of each seed, all from one stream, for new ones are slow to make."""
    stream = np.random.RandomState()
    for seed in seeds:
        stream.seed(seed)
        yield stream


@dataclass(frozen=True)
class RandomKeys:
    """Random numbers as a function of (seed, purpose, numbers), whoever asks and in what order."""

    seed: int
    branch: int = 0
    """Another branch has other numbers for the same keys: a run that was rolled back needs them."""

    def number(self, purpose: str, *numbers: int) -> int:
        """A 63-bit integer that belongs to this key alone."""
        key = "/".join(map(str, (self.seed, self.branch, purpose, *numbers)))
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) >> 1

    def uniform(self, purpose: str, *numbers: int) -> float:
        """A number in 0..1 for one decision, such as a coin flip."""
        return self.number(purpose, *numbers) / 2**63

    def generator(
        self, purpose: str, *numbers: int, device: torch.device | str = "cpu"
    ) -> torch.Generator:
        """A generator of random numbers that starts at this key."""
        return torch.Generator(device).manual_seed(self.number(purpose, *numbers))

    def normal(
        self, size: int, purpose: str, *numbers: int, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Standard normal numbers, `(size,)`."""
        generator = self.generator(purpose, *numbers, device=device)
        return torch.randn(size, generator=generator, device=device)

    def permutation(self, size: int, purpose: str, *numbers: int) -> np.ndarray:
        """A random order of `range(size)`."""
        return np.random.default_rng(self.number(purpose, *numbers)).permutation(size)


def split_noise_maps(flat: Tensor, shapes: Sequence[NoiseShape]) -> list[Tensor]:
    """Cut rows of numbers `(N, sum of H * W)` into noise maps, one `(N, 1, H, W)` per shape."""
    sizes = [height * width for height, width in shapes]
    parts = flat.split(sizes, dim=1)
    return [part.reshape(-1, 1, *shape) for part, shape in zip(parts, shapes, strict=True)]
