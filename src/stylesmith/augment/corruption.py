"""Noise and erased rectangles (ADA, groups `noise` and `cutout`)."""

import torch
from torch import Tensor

from stylesmith.augment.draws import Gates, expand

NOISE_DEVIATION = 0.1
"""Standard deviation of the normal number whose absolute value is that of an image's noise."""
CUTOUT_SIDE = 0.5
"""Sides of the erased rectangle, in sides of the image."""


def add_noise(images: Tensor, gates: Gates) -> Tensor:
    """Add normal noise to images, `(N, C, H, W)`, to all their channels."""
    noise = gates.draws.noise
    assert noise is not None, "noise is drawn wherever the group is in use"
    deviation = gates.draws.normal("noise").abs() * NOISE_DEVIATION
    noisy = images + noise * expand(deviation)
    return torch.where(expand(gates.happens("noise")), noisy, images)


def cut_out(images: Tensor, gates: Gates) -> Tensor:
    """Erase a rectangle of half the sides, which may reach beyond the image, to medium gray."""
    within = []
    for name, axis in (("cutout y", 2), ("cutout x", 3)):
        side = images.shape[axis]
        centers = (torch.arange(side, device=images.device, dtype=images.dtype) + 0.5) / side
        distance = (centers - gates.draws.uniform(name)[:, None]).abs()  # (N, side)
        within.append(distance < CUTOUT_SIDE / 2)
    erased = within[0][:, None, :, None] & within[1][:, None, None, :]
    return torch.where(erased & expand(gates.happens("cutout")), 0.0, images)
