"""Preprocessing for perceptual networks, and the base of distances."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.errors import ShapeError

MAX_SIZE = 256
"""Perceptual networks see images reduced to this; none is ever enlarged."""


def to_rgb(images: Tensor, *, black: float, white: float) -> Tensor:
    """`(N, 1, 3 or 4, H, W)` -> `(N, 3, H, W)`, both in the range `black` to `white`.

    Gray is repeated, as in the published metrics. Transparent images are put on white, as the data
    reader does where it wants three channels: what lies beneath transparency is arbitrary.

    Raises:
        ShapeError: If it is no batch of images with 1, 3 or 4 channels.
    """
    channels = images.shape[1] if images.ndim == 4 else 0
    if channels == 1:
        return images.expand(-1, 3, -1, -1)
    if channels == 4:
        color, alpha = images[:, :3], images[:, 3:]
        opacity = (alpha - black) / (white - black)
        return white + (color - white) * opacity
    if channels != 3:
        raise ShapeError(
            f"images must be (N, C, H, W) with 1, 3 or 4 channels, got {tuple(images.shape)}"
        )
    return images


def uint8_to_rgb(images: Tensor, device: torch.device, *, min_size: int = 1) -> Tensor:
    """uint8 images with 1, 3 or 4 channels -> float32 RGB, 0..255, channels last, on `device`.

    Raises:
        ShapeError: If they are not uint8 (float images have another range), or smaller than that.
    """
    if images.dtype != torch.uint8:
        raise ShapeError(f"images must be uint8, 0..255, got {images.dtype}")
    check_min_size(images, min_size)
    rgb = to_rgb(images.to(device, torch.float32), black=0, white=255)
    return rgb.contiguous(memory_format=torch.channels_last)


def signed_to_rgb(images: Tensor, device: torch.device, *, min_size: int = 1) -> Tensor:
    """Images in -1..1 with 1, 3 or 4 channels -> float32 RGB, -1..1, on `device`; differentiable.

    Raises:
        ShapeError: If they are smaller than that.
    """
    check_min_size(images, min_size)
    return to_rgb(images.to(device).float(), black=-1, white=1)


class ImageDistance(Protocol):
    """Perceptual distance: the squared length of the difference of two embeddings."""

    name: str
    weights_hash: str
    min_size: int
    """Least height and width in pixels."""

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)`, -1..1 -> `(N, D)`; differentiable."""
        ...

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Two batches `(N, 3, H, W)`, -1..1 -> `(N,)`; differentiable."""
        return (self.embed(a) - self.embed(b)).square().sum(1)


def check_min_size(images: Tensor, min_size: int) -> None:
    """Refuse images that vanish in a network's pooling.

    Raises:
        ShapeError: If the height or width is less than `min_size`.
    """
    if min(images.shape[-2:]) < min_size:
        height, width = images.shape[-2:]
        raise ShapeError(
            f"images are {width}x{height}; this network needs at least {min_size}x{min_size} pixels"
        )


def downscale(images: Tensor, max_size: int) -> Tensor:
    """Average over areas so that height and width are at most `max_size`; smaller images stay."""
    height, width = images.shape[-2:]
    longer = max(height, width)
    if longer <= max_size:
        return images
    size = [max(1, round(length * max_size / longer)) for length in (height, width)]
    return F.interpolate(images, size=size, mode="area")
