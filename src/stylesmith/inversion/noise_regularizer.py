"""Keeping noise maps noise, so that they cannot carry the picture (StyleGAN2, appendix D)."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.inversion.settings import ProjectionForm

MIN_MAP_SIZE = 8
"""Maps are halved while they are larger than this."""


def noise_regularizer(maps: Sequence[Tensor], form: ProjectionForm = "code") -> Tensor:
    """Squared autocorrelation at shifts of one pixel, over all maps and scales, `(N,)`.

    For Gaussian noise it is of the order of 1 / pixels, for smooth maps near two a scale. Maps wrap
    at their edges. The paper doubles a map whenever it halves it, which keeps the variance of
    noise; the published code does not.

    Args:
        maps: Noise maps, `(N, 1, H, W)` each; at least one.
        form: Whether halved maps are doubled, as in the paper.
    """
    gain = 2.0 if form == "paper" else 1.0
    terms = [
        _squared_autocorrelation(scale) for noise in maps for scale in _noise_pyramid(noise, gain)
    ]
    return torch.stack(terms).sum(dim=0)


def normalize_noise(noise: Tensor) -> Tensor:
    """Maps `(N, 1, H, W)` shifted and scaled to mean 0 and variance 1, each by itself.

    A constant map has no variance to scale, and becomes zero.
    """
    centered = noise - noise.mean(dim=(1, 2, 3), keepdim=True)
    variance = centered.square().mean(dim=(1, 2, 3), keepdim=True)
    return centered * variance.clamp(min=1e-12).rsqrt()


def _noise_pyramid(noise: Tensor, gain: float) -> Iterator[Tensor]:
    yield noise
    while min(noise.shape[-2:]) > MIN_MAP_SIZE:
        noise = F.avg_pool2d(noise, 2) * gain
        yield noise


def _squared_autocorrelation(noise: Tensor) -> Tensor:
    """Of each map with itself, one pixel to the right and one down, squared and added, `(N,)`."""
    shifted = (noise.roll(1, dims=axis) for axis in (3, 2))
    return torch.stack([(noise * other).mean(dim=(1, 2, 3)).square() for other in shifted]).sum(0)
