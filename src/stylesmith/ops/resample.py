"""Resampling with small separable FIR filters, and convolutions that change resolution.

All are defined by `upfirdn2d`, the operation of signal processing that inserts zeros, pads, filters
and drops samples; it stands in `tests/ops/reference.py`, and tests compare the functions with it.

They rest on one identity: an even-length symmetric filter contains the box [1, 1], so [1,3,3,1] =
[1,1] * [1,2,1]. Upsampling by two is then repeating each pixel and filtering with the rest. Filters
take no gradient, and each function's derivative is another of these functions, to any order.

Each paper's discriminator halves the resolution by another filter. ProGAN averages 2x2 squares,
StyleGAN blurs with [1,2,1] before it does so, StyleGAN2 filters with [1,3,3,1]. Inside the image
the last two are one filter; they differ at the border, where StyleGAN cuts the blurred image to
size in between.

Source: StyleGAN2, section 4.1 and appendix B (bilinear filtering); the up-convolution order of
StyleGAN2 is transposed convolution, then filter.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.choices import ResampleFilter
from stylesmith.errors import ShapeError

Taps = Sequence[float]
"""One-dimensional filter, applied to rows and columns; networks use (1, 3, 3, 1)."""

BOX: Taps = (1.0, 1.0)
"""As an upsampler it repeats each pixel, as a downsampler it averages 2x2."""

BILINEAR: Taps = (1.0, 3.0, 3.0, 1.0)
"""StyleGAN2's filter; as an upsampler it is bilinear interpolation."""


def blur2d(x: Tensor, taps: Taps, *, padding: int, gain: float = 1.0) -> Tensor:
    """Pad, and convolve with a filter: `(N, C, H, W)`, each side longer by 2 * padding + 1 - k.

    Args:
        x: Images, `(N, C, H, W)`.
        taps: Filter of length k, scaled here to sum 1; a true convolution (the filter is flipped).
        padding: Zeros on all four sides, at most k - 1.
        gain: Factor on the result.
    """
    return _Blur.apply(x, tuple(taps), padding, gain)


def upsample2d(x: Tensor, taps: Taps = BILINEAR) -> Tensor:
    """Double height and width with an even symmetric filter; `(N, C, H, W)` -> `(N, C, 2H, 2W)`."""
    return _Upsample.apply(x, tuple(taps))


def downsample2d(x: Tensor, filter: Taps | ResampleFilter = BILINEAR) -> Tensor:
    """Filter and halve height and width, `(N, C, H, W)` -> `(N, C, H/2, W/2)`.

    The filter is even and symmetric, or one of the papers' by its name.
    """
    x, taps = _blur_before_halving(x, filter)
    return _Downsample.apply(x, taps)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve at the same resolution, padded with zeros; `weight` is `(O, I, k, k)`, k odd."""
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


def conv2d_up(x: Tensor, weight: Tensor, *, taps: Taps = BILINEAR) -> Tensor:
    """Double the resolution and convolve, `(N, I, H, W)` -> `(N, O, 2H, 2W)`.

    Zeros are inserted, `weight` `(O, I, 3, 3)` correlates, then the filter smooths; inside the
    border this equals upsampling followed by `conv2d`.
    """
    x = F.conv_transpose2d(x, weight.flip(2, 3).transpose(0, 1), stride=2)  # (N, O, 2H+1, 2W+1)
    return blur2d(x, taps, padding=(len(taps) - 2) // 2, gain=4.0)


def conv2d_up_nearest(x: Tensor, weight: Tensor, *, taps: Taps | None = None) -> Tensor:
    """Repeat each pixel 2x2, convolve, and smooth: `(N, I, H, W)` -> `(N, O, 2H, 2W)`.

    The up-convolution of ProGAN, and with taps (1, 2, 1) that of StyleGAN. Inside the image the
    latter is `conv2d_up` with (1, 3, 3, 1) = (1, 1) * (1, 2, 1); at the border each step pads its
    own input with zeros.

    Args:
        x: Activations, `(N, I, H, W)`.
        weight: Kernels, `(O, I, 3, 3)`. Where the published networks fuse repeating and convolving
            (ProGAN everywhere, StyleGAN from 128x128 on) theirs are these, flipped both ways.
        taps: Filter of odd length; None leaves it out.
    """
    y = conv2d_up(x, weight, taps=BOX)
    return y if taps is None else blur2d(y, taps, padding=len(taps) // 2)


def conv2d_down(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    filter: Taps | ResampleFilter = BILINEAR,
) -> Tensor:
    """Filter, convolve and halve the resolution, `(N, I, H, W)` -> `(N, O, H/2, W/2)`.

    By their definition, `box` and `[1,2,1]` average what the convolution gives, and `[1,3,3,1]`
    filters what it takes. All convolve at half the resolution only, since averaging commutes with
    convolving.
    """
    x, taps = _blur_before_halving(x, filter)
    if weight.shape[-1] == 1:
        return F.conv2d(_Downsample.apply(x, taps), weight, bias)
    x = blur2d(x, taps, padding=len(taps) // 2)  # (N, I, H+1, W+1)
    return F.conv2d(x, weight, bias, stride=2)


def _blur_before_halving(x: Tensor, filter: Taps | ResampleFilter) -> tuple[Tensor, Taps]:
    """What is done at the full resolution, and the even filter that halves it."""
    match filter:
        case "box":
            return x, BOX
        case "[1,2,1]":
            return blur2d(x, (1.0, 2.0, 1.0), padding=1), BOX
        case "[1,3,3,1]":
            return x, BILINEAR
        case _:
            return x, tuple(filter)


class _Blur(torch.autograd.Function):
    """A fixed filter on every channel, whose gradient is the reversed filter.

    Autograd's own rule would keep the input for a gradient of the kernel, which nobody wants, and
    compute it channel by channel in second derivatives.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps, padding: int, gain: float) -> Tensor:
        ctx.filter = (taps, padding, gain)
        return F.conv2d(x, _kernel(taps[::-1], gain, x), padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        taps, padding, gain = ctx.filter
        return _Blur.apply(gradient, taps[::-1], len(taps) - 1 - padding, gain), None, None, None


class _Upsample(torch.autograd.Function):
    """Repeat each pixel, filter with what remains of the filter; its adjoint is downsampling."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps) -> Tensor:
        ctx.taps = taps
        rest = _without_box(taps)
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return F.conv2d(x, _kernel(rest, 1.0, x), padding=len(rest) // 2, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        # Matrix products of toRGB give their second derivatives in another layout.
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        return _Downsample.apply(gradient, ctx.taps) * 4, None


class _Downsample(torch.autograd.Function):
    """Filter and keep every second pixel; its adjoint is upsampling.

    Autograd's own rule is a strided transposed depthwise convolution, thirty times slower on CPUs.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps) -> Tensor:
        ctx.taps = taps
        _without_box(taps)  # refuses filters of which upsampling is not the adjoint
        padding = len(taps) // 2 - 1
        kernel = _kernel(taps, 1.0, x)
        return F.conv2d(x, kernel, stride=2, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Upsample.apply(gradient / 4, ctx.taps), None


def _kernel(taps: Taps, gain: float, like: Tensor) -> Tensor:
    """The filter as depthwise kernels `(C, 1, k, k)` that sum to `gain`."""
    kernel = torch.from_numpy(_outer(tuple(taps), gain)).to(like)
    return kernel.expand(like.shape[1], 1, -1, -1)


@cache
def _outer(taps: Taps, gain: float) -> np.ndarray:
    row = np.asarray(taps)
    kernel: np.ndarray = np.outer(row, row) * (gain / row.sum() ** 2)
    return kernel


@cache
def _without_box(taps: Taps) -> Taps:
    """The filter whose convolution with [1, 1] gives `taps`."""
    rest, remainder = np.polydiv(np.asarray(taps), np.ones(2))
    if len(taps) % 2 or not np.allclose(remainder, 0):
        raise ShapeError(f"resampling by two needs an even symmetric filter, got {tuple(taps)}")
    return tuple(rest.tolist())
