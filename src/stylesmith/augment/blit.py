"""Flips, quarter turns and integer shifts as exact moves of pixels (ADA, group `blit`).

ADA takes them through its resampling filter, which is not symmetric: a flip of white noise then
differs from the flipped image by 15% of its deviation. Here every pixel is kept to the bit.
"""

from typing import Literal

import torch
from torch import Tensor

from stylesmith.augment.draws import Gates, expand

BLIT_COINS = ("flip", "quarter turns", "integer shift")


def flip_and_turn(images: Tensor, gates: Gates) -> Tensor:
    """Mirror images with chance p / 2, then turn them by a random multiple of 90 degrees.

    Images that are not square are turned by 180 degrees or not at all, since a quarter turn would
    leave parts without content.
    """
    draws = gates.draws
    mirrored = gates.happens("flip") & (draws.uniform("flip") >= 0.5)
    turns = (draws.uniform("quarter turns") * 4).floor()
    if images.shape[2] != images.shape[3]:
        turns = 2 * (turns % 2)
    return mirror_and_turn(images, mirrored, gates.gated("quarter turns", turns))


def mirror_and_turn(images: Tensor, mirrored: Tensor, turns: Tensor) -> Tensor:
    """Mirror some images, then turn them counter-clockwise, as displayed.

    A quarter turn is a transposition followed by an upside-down flip, and so is every combination
    a transposition or none, followed by flips of the two axes or none.

    Args:
        images: `(N, C, H, W)`.
        mirrored: Which ones are mirrored, left for right, bool `(N,)`.
        turns: Quarter turns, 0, 1, 2 or 3; 0 or 2 where images are not square, `(N,)`.
    """
    odd, half = turns % 2 == 1, turns == 2
    if images.shape[2] == images.shape[3]:
        images = torch.where(expand(odd), images.transpose(2, 3), images)
    upside_down = half | ((turns == 1) ^ (odd & mirrored))
    left_to_right = (turns == 3) | (half ^ (~odd & mirrored))
    images = torch.where(expand(upside_down), images.flip(2), images)
    return torch.where(expand(left_to_right), images.flip(3), images)


def shift_pixels(
    images: Tensor, right: Tensor, down: Tensor, *, fill: Literal["reflect", "zeros"]
) -> Tensor:
    """Shift images by whole pixels.

    Args:
        images: `(N, C, H, W)`.
        right: Pixels to the right, `(N,)`, whole numbers less than W.
        down: Pixels downwards, `(N,)`, whole numbers less than H.
        fill: What comes in at the edges: the image, reflected without its edge, or 0.
    """
    for axis, shift in ((3, right), (2, down)):
        side = images.shape[axis]
        source = torch.arange(side, device=images.device) - shift.long()[:, None]  # (N, side)
        inside = (source >= 0) & (source < side)
        if fill == "reflect":
            source = (side - 1) - ((side - 1) - source.abs()).abs()
        shape = [len(images), 1, 1, 1]
        shape[axis] = side
        index = source.clamp(0, side - 1).reshape(shape).expand(images.shape)
        images = images.gather(axis, index)
        if fill == "zeros":
            images = torch.where(inside.reshape(shape), images, 0.0)
    return images
