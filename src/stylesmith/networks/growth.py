"""Progressive growing (ProGAN, section 2): which levels are in use is an argument, not a state."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.errors import UsageError


@dataclass(frozen=True)
class Growth:
    """The levels of a growing network that are in use.

    Images in and out have the size of `level`. A network trained so far is used at that level.
    """

    level: int
    """The highest level in use, counted from 0 at the base."""
    fade: float = 1.0
    """Its weight against the upsampled level below: 0 is the lower level, 1 the new one."""


def levels_in_use(growth: Growth | None, levels: int, *, grows: bool = True) -> Growth:
    """What a network of so many levels should use: all of them where `growth` is None.

    Raises:
        UsageError: If the network has no such level, or always uses all of its levels.
    """
    full = Growth(levels - 1)
    if growth is None or growth == full:
        return full
    if not grows:
        raise UsageError(f"{growth}: this network doesn't grow; leave growth out")
    if not 0 <= growth.level < levels or not 0 <= growth.fade <= 1:
        wanted = f"level 0 to {full.level}, fade 0 to 1"
        raise UsageError(f"{growth}: not a state of this network; wanted {wanted}")
    if growth.level == 0 and growth.fade < 1:
        raise UsageError(f"{growth}: level 0 has no lower level to fade in from; wanted fade 1")
    return growth


def match_growth(images: Tensor, level: int, growth: Growth) -> Tensor:
    """Real images as a growing discriminator should see them.

    Images `(N, C, H, W)` of `level` are averaged 2x2 down to `growth.level`; while it fades in,
    they are blended with their own lower level, repeated (ProGAN, Figure 2).
    """
    steps = level - growth.level
    if steps:
        images = F.avg_pool2d(images, 1 << steps)
    if growth.fade == 1:
        return images
    lower = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="nearest")
    return torch.lerp(lower, images, growth.fade)
