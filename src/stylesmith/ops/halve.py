"""Halving the resolution with the filter of each paper's discriminator.

ProGAN averages 2x2 squares, StyleGAN blurs with [1,2,1] before it does so, StyleGAN2 filters with
[1,3,3,1]. Inside the image the last two are one filter, [1,1] * [1,2,1] = [1,3,3,1]; they differ at
the border, where StyleGAN cuts the blurred image to size in between.
"""

from typing import Literal

from torch import Tensor

from stylesmith.ops.resample import BILINEAR, BOX, Taps, blur2d, conv2d_down, downsample2d

ResampleFilter = Literal["box", "[1,2,1]", "[1,3,3,1]"]
"""The filters by name."""


def halve2d(x: Tensor, resample: ResampleFilter) -> Tensor:
    """Filter and halve the resolution: `(N, C, H, W)` -> `(N, C, H/2, W/2)`."""
    x, taps = _blurred(x, resample)
    return downsample2d(x, taps)


def conv2d_halve(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, resample: ResampleFilter
) -> Tensor:
    """Convolve and halve the resolution, `(N, I, H, W)` -> `(N, O, H/2, W/2)`.

    `box` and `[1,2,1]` average what the convolution gives, `[1,3,3,1]` filters what it takes; all
    convolve at half the resolution only, since averaging commutes with convolving.
    """
    x, taps = _blurred(x, resample)
    return conv2d_down(x, weight, bias, taps=taps)


def _blurred(x: Tensor, resample: ResampleFilter) -> tuple[Tensor, Taps]:
    """What comes before halving, and the even filter that halves."""
    match resample:
        case "box":
            return x, BOX
        case "[1,2,1]":
            return blur2d(x, (1.0, 2.0, 1.0), padding=1), BOX
        case "[1,3,3,1]":
            return x, BILINEAR
