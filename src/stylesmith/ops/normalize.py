"""Normalizations over channels and over the batch."""

import torch
from torch import Tensor


def pixel_norm(x: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Scale each vector along dimension 1 to unit mean square (ProGAN, section 4.2)."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + eps)


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
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    groups = wide.reshape(size, -1, features, channels // features, height, width)
    deviation = groups - groups.mean(dim=0)  # (size, N / size, features, C / features, H, W)
    variance = deviation.square().mean(dim=0)
    stddev = (variance + eps).sqrt().mean(dim=(2, 3, 4))  # (N / size, features)
    maps = stddev.to(x.dtype).repeat(size, 1)[:, :, None, None].expand(-1, -1, height, width)
    if x.is_contiguous(memory_format=torch.channels_last):  # which `cat` keeps if all parts have it
        maps = maps.contiguous(memory_format=torch.channels_last)
    return torch.cat([x, maps], dim=1)
