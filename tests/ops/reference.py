"""Readable references of the operations: what each is defined to compute, written plainly."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.ops import LRELU_GAIN, conv2d, lrelu


def upfirdn2d(
    x: Tensor,
    taps: Sequence[float],
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Upsample with zeros, pad or crop, convolve with a normalized filter, downsample.

    Args:
        x: Images, `(N, C, H, W)`.
        taps: Filter of length k, scaled here to sum 1; a true convolution (the filter is flipped).
        up: Samples per input sample; the new ones are zeros behind each sample.
        down: Every `down`-th sample is kept.
        padding: Left, right, top, bottom, in samples after upsampling; negative crops.
        gain: Factor on the result; `up ** 2` keeps the mean when upsampling.

    Returns:
        `(N, C, (H * up + top + bottom - k) // down + 1, ...)`, in the dtype of `x`.
    """
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height, 1, width, 1)
    x = F.pad(x, (0, up - 1, 0, 0, 0, up - 1)).reshape(n, channels, height * up, width * up)
    x = F.pad(x, padding)
    row = torch.tensor(taps[::-1], dtype=torch.float64)
    kernel = (row[:, None] * row[None] * (gain / row.sum() ** 2)).to(x).expand(channels, 1, -1, -1)
    return F.conv2d(x, kernel, groups=channels)[:, :, ::down, ::down]


def bias_act_reference(
    x: Tensor, bias: Tensor, *, gain: float = LRELU_GAIN, clamp: float | None = None
) -> Tensor:
    """Add a bias per channel, apply leaky ReLU, multiply by `gain`, bound by `clamp`.

    Args:
        x: `(N, C)` or `(N, C, H, W)`.
        bias: `(C,)`.
        gain: Factor behind the activation.
        clamp: Bound on the absolute value of the result; None leaves it out.
    """
    bias = bias.to(x.dtype).reshape(-1, *[1] * (x.ndim - 2))
    y = lrelu(x + bias, gain=gain)
    return y if clamp is None else y.clamp(-clamp, clamp)


def modulated_conv2d_reference(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    *,
    demodulate: bool = True,
    convolve: Callable[[Tensor, Tensor], Tensor] = conv2d,
    eps: float = 1e-8,
) -> Tensor:
    """Convolve each image with its own kernels: the paper's equations, one image at a time.

    Arguments and result are those of `modulated_conv2d`.
    """
    kernels = weight * style[:, None, :, None, None]  # (N, O, I, k, k)  Eq. 1
    if demodulate:
        norm = kernels.square().sum(dim=(2, 3, 4), keepdim=True)  # (N, O, 1, 1, 1)  Eq. 2
        kernels = kernels * torch.rsqrt(norm + eps)  # (N, O, I, k, k)  Eq. 3
    return torch.cat([convolve(x[i : i + 1], kernels[i]) for i in range(len(x))])


def adain_reference(x: Tensor, scale: Tensor, shift: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Adaptive instance normalization: each channel gets mean and standard deviation of a style.

    Args:
        x: Features, `(N, C, H, W)`, in any float format; statistics are taken in fp32 or wider.
        scale: Standard deviation of each channel after the normalization, `(N, C)`.
        shift: Mean of each channel after it, `(N, C)`.
        eps: Added to the variance of `x`.

    Returns:
        `(N, C, H, W)`, in the dtype of `x`.

    Source: StyleGAN, Eq. 1.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    centered = wide - wide.mean(dim=(2, 3), keepdim=True)
    std = (centered.square().mean(dim=(2, 3), keepdim=True) + eps).sqrt()
    return (centered / std * scale[:, :, None, None] + shift[:, :, None, None]).to(x.dtype)
