"""Normalizations over channels and over the batch."""

from typing import Any

import torch
from torch import Tensor

from stylesmith.errors import ShapeError


def pixel_norm(x: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Scale each vector along dimension 1 to unit mean square (ProGAN, section 4.2)."""
    energy = _at_least_fp32(x).square().mean(dim=1, keepdim=True)
    return x * torch.rsqrt(energy + eps).to(x.dtype)


def instance_norm(x: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Bring each channel of each image to zero mean and unit variance over its pixels.

    Args:
        x: Features, `(N, C, H, W)`, in any float format; statistics are taken in fp32 or wider.
        eps: Added to the variance; a channel without variance becomes zero.
    """
    centered, _, inverse_std = _statistics(x, eps)
    return (centered * inverse_std).to(x.dtype)


def adain(x: Tensor, scale: Tensor, shift: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Adaptive instance normalization: each channel gets mean and standard deviation of a style.

    The gradient is written out, which takes a fifth of the time and keeps only `x`.

    Args:
        x: Features, `(N, C, H, W)`, in any float format; statistics are taken in fp32 or wider.
        scale: Standard deviation of each channel after the normalization, `(N, C)`.
        shift: Mean of each channel after it, `(N, C)`.
        eps: Added to the variance of `x`.

    Returns:
        `(N, C, H, W)`, in the dtype of `x`.

    Raises:
        ShapeError: If `scale` or `shift` is not `(N, C)`.

    Source: StyleGAN, Eq. 1.
    """
    _check_styles(x, scale, shift)
    return _AdaIN.apply(x, scale, shift, eps)


def append_minibatch_stddev(
    x: Tensor, *, group_size: int = 4, features: int = 1, eps: float = 1e-8
) -> Tensor:
    """Append the standard deviation within groups of the batch as extra feature maps.

    Groups are strided: image i belongs to group i mod (N / group_size). A batch that the group
    size does not divide uses the largest smaller size that does.

    Args:
        x: Features, `(N, C, H, W)`.
        group_size: Images per group.
        features: Feature maps to append; C is split into as many parts.
        eps: Added to the variance.

    Returns:
        `(N, C + features, H, W)`.

    Source: ProGAN, section 3.
    """
    n, channels, height, width = x.shape
    size = next(s for s in range(min(group_size, n), 0, -1) if n % s == 0)
    groups = _at_least_fp32(x).reshape(size, -1, features, channels // features, height, width)
    centered = groups - groups.mean(dim=0)  # (size, N / size, features, C / features, H, W)
    variance = centered.square().mean(dim=0)
    stddev = (variance + eps).sqrt().mean(dim=(2, 3, 4))  # (N / size, features)
    maps = stddev.to(x.dtype).repeat(size, 1)[:, :, None, None].expand(-1, -1, height, width)
    if x.is_contiguous(memory_format=torch.channels_last):  # which `cat` keeps if all parts have it
        maps = maps.contiguous(memory_format=torch.channels_last)
    return torch.cat([x, maps], dim=1)


class _AdaIN(torch.autograd.Function):
    """Autograd's own rule would follow each step of the statistics back, through memory."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
        centered, mean, inverse_std = _statistics(x, eps)
        ctx.save_for_backward(x, scale)
        ctx.eps, ctx.statistics = eps, (mean, inverse_std)
        factor = inverse_std * scale[:, :, None, None]
        return torch.addcmul(shift[:, :, None, None], centered, factor).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, scale = ctx.saved_tensors
        mean, inverse_std = ctx.statistics
        if torch.is_grad_enabled():  # for second derivatives they are functions of x
            _, mean, inverse_std = _statistics(x, ctx.eps)
        centered, wide = _at_least_fp32(x) - mean, _at_least_fp32(gradient)
        pixels = x.shape[2] * x.shape[3]
        common = wide.mean(dim=(2, 3), keepdim=True)
        along_x = (wide * centered).mean(dim=(2, 3), keepdim=True) * inverse_std
        # A change of x that moves its mean or scales it has no effect: take these two out.
        factor = inverse_std * scale[:, :, None, None]
        by_x = torch.addcmul(-factor * common, wide, factor)
        by_x = torch.addcmul(by_x, centered, -factor * along_x * inverse_std)
        by_scale, by_shift = ((v * pixels)[:, :, 0, 0] for v in (along_x, common))
        return by_x.to(x.dtype), by_scale, by_shift, None


def _statistics(x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """`x` less its mean; mean and inverse standard deviation of each channel, `(N, C, 1, 1)`."""
    wide = _at_least_fp32(x)
    mean = wide.mean(dim=(2, 3), keepdim=True)
    centered = wide - mean
    variance = centered.square().mean(dim=(2, 3), keepdim=True)
    return centered, mean, torch.rsqrt(variance + eps)


def _check_styles(x: Tensor, scale: Tensor, shift: Tensor) -> None:
    for name, style in (("scale", scale), ("shift", shift)):
        if style.shape != x.shape[:2]:
            found, wanted = tuple(style.shape), tuple(x.shape[:2])
            raise ShapeError(f"{name} must be (N, C) = {wanted} to match x, got {found}")


def _at_least_fp32(x: Tensor) -> Tensor:
    """At least fp32, for statistics."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
