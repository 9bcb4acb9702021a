"""Random numbers of an augmentation: drawn for each image from a generator of its own.

All numbers of an image are drawn in one fixed order, whether or not they are used, so they depend
neither on the strength, nor on the groups in use, nor on the other images of the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from stylesmith.errors import ShapeError


@dataclass(frozen=True)
class DrawPlan:
    """Names of the random numbers that are drawn for each image."""

    coins: tuple[str, ...]
    """Names of transformations that happen with a chance."""
    uniform: tuple[str, ...]
    """Names of numbers that are uniform in 0..1."""
    normal: tuple[str, ...] = ()
    """Names of standard normal numbers."""
    noise_shape: tuple[int, int, int] | None = None
    """Channels, height and width of standard normal noise; None draws none."""

    def draw(self, generators: Sequence[torch.Generator]) -> "Draws":
        """Numbers of N images, one CPU generator each."""
        uniform = len(self.coins) + len(self.uniform)
        columns: list[Tensor] = []
        noise: list[Tensor] = []
        for generator in generators:
            numbers = [torch.rand(uniform, generator=generator)]
            numbers += [torch.randn(len(self.normal), generator=generator)] * bool(self.normal)
            columns.append(torch.cat(numbers))
            if self.noise_shape:
                noise.append(torch.randn(self.noise_shape, generator=generator))
        values = torch.stack(columns)
        return Draws(self, values, values, torch.stack(noise) if noise else None)


@dataclass(frozen=True)
class Draws:
    """Random numbers of N images."""

    plan: DrawPlan
    values: Tensor
    """Coins, uniform and normal numbers, `(N, K)`."""
    on_host: Tensor
    """The same numbers on the CPU, from which sizes are computed without waiting for a device."""
    noise: Tensor | None
    """Standard normal noise, `(N, C, H, W)`, if it is used."""

    def __len__(self) -> int:
        return len(self.values)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> "Draws":
        """The same numbers on a device."""
        noise = None if self.noise is None else self.noise.to(device, dtype, non_blocking=True)
        return replace(self, values=self.values.to(device, dtype, non_blocking=True), noise=noise)

    def host(self) -> "Draws":
        """The same numbers on the CPU, without the noise."""
        return replace(self, values=self.on_host, noise=None)

    @cached_property
    def coins(self) -> Tensor:
        """Uniform numbers that decide whether transformations happen, `(N, coins)`."""
        return self.values[:, : len(self.plan.coins)]

    def uniform(self, name: str) -> Tensor:
        """Uniform numbers in 0..1, `(N,)`."""
        return self._columns[len(self.plan.coins) + self.plan.uniform.index(name)]

    def normal(self, name: str) -> Tensor:
        """Standard normal numbers, `(N,)`."""
        before = len(self.plan.coins) + len(self.plan.uniform)
        return self._columns[before + self.plan.normal.index(name)]

    @cached_property
    def _columns(self) -> tuple[Tensor, ...]:
        return self.values.unbind(1)


@dataclass(frozen=True)
class Gates:
    """Draws at a strength: which transformations happen to which images."""

    draws: Draws
    strength: Tensor
    """Strength in 0..1: `()`, one for each image `(N,)`, or several cases `(K, 1 or N)`."""

    @cached_property
    def falls(self) -> Tensor:
        """Whether each coin falls, bool `(N, coins)`, or `(K, N, coins)`."""
        return self.draws.coins < self.strength[..., None]

    @cached_property
    def _factors(self) -> tuple[Tensor, ...]:
        return self.falls.to(self.draws.values.dtype).unbind(-1)

    def happens(self, name: str) -> Tensor:
        """Whether the coin of a transformation falls, bool `(N,)`."""
        return self.falls[..., self.draws.plan.coins.index(name)]

    def any_happens(self, names: Sequence[str]) -> Tensor:
        """Whether one of the coins falls, which follow one another in the plan, bool `(N,)`."""
        first = self.draws.plan.coins.index(names[0])
        return self.falls[..., first : first + len(names)].any(dim=-1)

    def gated(self, name: str, value: Tensor) -> Tensor:
        """The value where the coin of that name falls, else 0, `(N,)`."""
        return value * self._factors[self.draws.plan.coins.index(name)]

    def scaled(self, factor: float) -> "Gates":
        """The same draws at a multiple of the strength."""
        return self if factor == 1 else replace(self, strength=self.strength * factor)


def check_images(images: Tensor, draws: Draws, shape: tuple[int, int, int]) -> None:
    """Refuse images that are not of the size of the augmentation, or of another number.

    Args:
        images: Images that are to be augmented.
        draws: Random numbers of N images.
        shape: Channels, height and width that the augmentation was opened for.

    Raises:
        ShapeError: If images are not `(N, C, H, W)` for N draws.
    """
    wanted = (len(draws), *shape)
    if tuple(images.shape) != wanted:
        raise ShapeError(f"images must be (N, C, H, W) = {wanted}, got {tuple(images.shape)}")


def as_strength(strength: float | Tensor, like: Tensor) -> Tensor:
    """Strength as a tensor in 0..1 beside the images."""
    if isinstance(strength, Tensor):
        return strength.to(like.device, like.dtype).clamp(0, 1)
    return torch.full((), min(max(strength, 0.0), 1.0), dtype=like.dtype, device=like.device)


def expand(values: Tensor) -> Tensor:
    """Numbers of images `(N,)` in a form that multiplies images, `(N, 1, 1, 1)`."""
    return values[:, None, None, None]


def working_precision(images: Tensor) -> Tensor:
    """Images in fp32, or fp64 if they are, whatever dtype they came in."""
    return images if images.dtype == torch.float64 else images.float()
