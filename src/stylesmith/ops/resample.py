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

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

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
    return _fir(x, taps, padding=padding, gain=gain)


def upsample2d(x: Tensor, taps: Taps = BILINEAR) -> Tensor:
    """Double height and width with an even symmetric filter; `(N, C, H, W)` -> `(N, C, 2H, 2W)`."""
    return _fir(x, taps, up=2, padding=len(taps) // 2, gain=4.0)


def downsample2d(x: Tensor, filter: Taps | ResampleFilter = BILINEAR) -> Tensor:
    """Filter and halve height and width, `(N, C, H, W)` -> `(N, C, H/2, W/2)`.

    The filter is even and symmetric, or one of the papers' by its name.
    """
    return _halve(*_blur_before_halving(x, filter))


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
        return F.conv2d(_halve(x, taps), weight, bias)
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


def _halve(x: Tensor, taps: Taps) -> Tensor:
    """Filter and keep every second pixel."""
    return _fir(x, taps, down=2, padding=len(taps) // 2 - 1)


def _fir(
    x: Tensor, taps: Taps, *, up: int = 1, down: int = 1, padding: int, gain: float = 1.0
) -> Tensor:
    """Insert zeros, pad, filter, drop samples: `upfirdn2d` in the forms that networks need.

    Args:
        x: Images, `(N, C, H, W)`.
        taps: Filter of length k; even and symmetric if it changes the resolution.
        up: 2 doubles the resolution, 1 keeps it.
        down: 2 halves the resolution, 1 keeps it.
        padding: Zeros on all four sides; k / 2 and one less at the end if `up` is 2.
        gain: Sum of the filter.

    Raises:
        ShapeError: If `taps` have the wrong form.
    """
    taps = tuple(map(float, taps))
    if up * down > 1 and (len(taps) % 2 or taps != taps[::-1]):
        raise ShapeError(f"resampling by two needs an even symmetric filter, got {taps}")
    if torch.compiler.is_exporting():  # exported programs run without this package
        return _filter(x, taps, up, down, padding, gain, _make_kernel)
    return _fir_op(x, taps, up, down, padding, gain)


@torch.library.custom_op("stylesmith::fir", mutates_args=())
def _fir_op(
    x: Tensor, taps: Sequence[float], up: int, down: int, padding: int, gain: float
) -> Tensor:
    """`_fir` as an operator whose derivative is itself, to any order.

    Autograd's own rule would keep the input for a gradient of the kernel, which nobody wants, and
    compute it channel by channel in second derivatives; that of a strided filter is thirty times
    slower on CPUs. As an operator, and not a `torch.autograd.Function`, it has the right second
    derivatives under `torch.compile` too.
    """
    return _filter(x, tuple(taps), up, down, padding, gain, _cached_kernel)


@_fir_op.register_fake
def _(x: Tensor, taps: Sequence[float], up: int, down: int, padding: int, gain: float) -> Tensor:
    n, channels, *size = x.shape
    ends = 2 * padding - len(taps) - (up == 2)
    height, width = ((length * up + ends) // down + 1 for length in size)
    is_last = x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if is_last else torch.contiguous_format
    return x.new_empty((n, channels, height, width)).contiguous(memory_format=layout)


def _keep_filter(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.filter = inputs[1:]


def _fir_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None, None]:
    taps, up, down, padding, gain = ctx.filter
    if up == 2:  # matrix products of toRGB give their second derivatives in another layout
        gradient = gradient.contiguous(memory_format=torch.channels_last)
    padding = len(taps) - 1 - padding
    return _fir_op(gradient, taps[::-1], down, up, padding, gain), None, None, None, None, None


_fir_op.register_autograd(_fir_gradient, setup_context=_keep_filter)


@register_flop_formula(torch.ops.stylesmith.fir)
def _count_flops(
    x: torch.Size, taps: Taps, up: int, *args: object, out_shape: torch.Size, **kwargs: object
) -> int:
    """The multiplications and additions of the convolution that does it."""
    return 2 * (len(taps) - (up == 2)) ** 2 * math.prod(out_shape)


def _filter(
    x: Tensor,
    taps: Taps,
    up: int,
    down: int,
    padding: int,
    gain: float,
    make_kernel: Callable[..., Tensor],
) -> Tensor:
    if up == 2:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        taps, padding, gain = _without_box(taps), padding - 1, gain / 4
    kernel = make_kernel(taps[::-1], gain, x.shape[1], x.dtype, x.device)
    return F.conv2d(x, kernel, stride=down, padding=padding, groups=x.shape[1])


def _make_kernel(
    taps: Taps, gain: float, channels: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Depthwise kernels `(channels, 1, k, k)`."""
    row = np.asarray(taps)
    kernel = torch.from_numpy(np.outer(row, row) * (gain / row.sum() ** 2))
    return kernel.to(device, dtype).repeat(channels, 1, 1, 1)


@cache
def _cached_kernel(*key: Any) -> Tensor:
    """The same, made once: a copy from the host would make a GPU wait for its queue to be empty."""
    with torch.inference_mode(False), torch.no_grad():
        return _make_kernel(*key)


def _without_box(taps: Taps) -> Taps:
    """The filter whose convolution with [1, 1] gives `taps`, which are even and symmetric."""
    return tuple(accumulate(taps[:-1], lambda last, tap: tap - last))
