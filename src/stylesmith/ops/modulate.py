"""Modulated convolution: each image has its own, style-scaled kernels (StyleGAN2, section 2.2)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from stylesmith.errors import ShapeError
from stylesmith.ops.activate import linear
from stylesmith.ops.resample import conv2d

Convolution = Callable[[Tensor, Tensor], Tensor]
"""A linear map of `(x, weight)`, such as `conv2d` or `conv2d_up`."""


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    *,
    demodulate: bool = True,
    convolve: Convolution = conv2d,
    eps: float = 1e-8,
    gain: float = 1.0,
) -> Tensor:
    """Convolve each image with kernels of its own: scaled by its style, and demodulated.

    Scales the activations, convolves with shared kernels and scales the result, which is equal
    because convolution is linear in each input channel: one dense convolution for the whole batch
    instead of N small ones.

    Args:
        x: Activations, `(N, I, H, W)`, in any float format.
        weight: Kernels shared by the batch, `(O, I, k, k)`, fp32.
        style: Per-image scale of each input channel, `(N, I)`, fp32; 1 leaves a channel as it is.
            The gain of the kernels may be given here.
        demodulate: Divide by the expected standard deviation, so that unit-variance input gives
            unit-variance output whatever the style. Off in toRGB.
        convolve: What to do with scaled activations and kernels; may change the resolution.
        eps: Added to the squared norm.
        gain: Factor on the result, free of cost here where a following activation would pay.

    Returns:
        Activations, `(N, O, H', W')`, in the dtype of `x`.

    Raises:
        ShapeError: If `style` is not `(N, I)`.

    Source: StyleGAN2, section 2.2, Eq. 1-3.
    """
    _check_style(x, style)
    if not demodulate and weight.shape[-1] == 1 and convolve is conv2d:
        return _mix_channels(x, weight[:, :, 0, 0] * (style * gain)[:, None])
    if not demodulate:
        return convolve(x * _per_channel(style * gain, x), weight.to(x.dtype))
    if x.dtype == torch.float16:  # demodulation undoes any scale; keep sums in fp16's range
        fan_in = weight[0].numel()
        weight = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) * math.sqrt(fan_in))
        style = style / style.abs().amax(dim=1, keepdim=True)
    energy = weight.square().sum(dim=(2, 3))  # (O, I)
    scale = torch.rsqrt(linear(style.square(), energy) + eps) * gain  # (N, O)  Eq. 3
    y = convolve(x * _per_channel(style, x), weight.to(x.dtype))
    return y * _per_channel(scale, y)


def _mix_channels(x: Tensor, kernels: Tensor) -> Tensor:
    """A 1x1 convolution with kernels of its own for each image, `(N, O, I)`: matrix products.

    For the few outputs of toRGB this is less work than scaling all activations.
    """
    pixels = x.flatten(2).transpose(1, 2)  # (N, H * W, I), a view of channels-last x
    y = torch.bmm(pixels, kernels.to(x.dtype).transpose(1, 2))  # (N, H * W, O)
    return y.transpose(1, 2).unflatten(2, x.shape[2:])


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype)[:, :, None, None]


def _check_style(x: Tensor, style: Tensor) -> None:
    wanted = tuple(x.shape[:2])
    if tuple(style.shape) != wanted:
        raise ShapeError(f"style must be (N, I) = {wanted} to match x, got {tuple(style.shape)}")
