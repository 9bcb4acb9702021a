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
    turns = gates.gated("quarter turns", turns, 0.0)
    return turn(torch.where(expand(mirrored), images.flip(3), images), turns)


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Turn images counter-clockwise, as displayed, by a number of quarter turns, `(N,)`.

    A quarter turn is a transposition followed by a flip of the vertical axis.
    """
    if images.shape[2] == images.shape[3]:
        images = torch.where(expand(turns % 2 == 1), images.transpose(2, 3), images)
    images = torch.where(expand((turns == 1) | (turns == 2)), images.flip(2), images)
    return torch.where(expand((turns == 2) | (turns == 3)), images.flip(3), images)


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
