"""Random colors (ADA, group `color`): brightness, contrast, luma flip, hue and saturation.

Together they act on a pixel's mean over the channels and on its difference from that mean, its
chroma, one by one: `c (1 - 2k) (mean + b)` and `c s` times the chroma, turned about the gray axis.
"""

import math

import torch
from torch import Tensor

from stylesmith.augment.draws import Gates, expand

COLOR_COINS = ("brightness", "contrast", "luma flip", "hue", "saturation")
BRIGHTNESS_DEVIATION, CONTRAST_DEVIATION, SATURATION_DEVIATION = 0.2, 0.5, 1.0
"""Standard deviations: of what is added, and of log2 of the factors."""
COLOR_CHANNELS = (1, 3, 4)
"""Numbers of channels that have colors: gray, RGB, and RGB with alpha, which stays as it is."""


def change_color(images: Tensor, gates: Gates) -> Tensor:
    """Change the colors of images, `(N, C, H, W)` with 1, 3 or 4 channels.

    Gray images have no hue and no saturation. Images of which no coin falls stay as they are.
    """
    changed = gates.any_happens(COLOR_COINS)
    mean_gain, mean_offset = gray_line(gates)
    if images.shape[1] == 1:
        result = images * expand(mean_gain) + expand(mean_offset)
    else:
        matrix = color_matrix(gates, mean_gain)
        pixels = images[:, :3].flatten(2)  # (N, 3, H * W)
        result = torch.baddbmm(mean_offset[:, None, None], matrix, pixels)
        result = result.reshape(len(images), 3, *images.shape[2:])
        result = torch.cat([result, images[:, 3:]], dim=1)
    return torch.where(expand(changed), result, images)


def gray_line(gates: Gates) -> tuple[Tensor, Tensor]:
    """Factor and offset that gray levels are changed by, `(N,)` each."""
    draws = gates.draws
    offset = gates.gated("brightness", draws.normal("brightness") * BRIGHTNESS_DEVIATION)
    inverted = gates.gated("luma flip", (2 * draws.uniform("luma flip")).floor())
    gain = _contrast(gates) * (1 - 2 * inverted)
    return gain, gain * offset


def color_matrix(gates: Gates, mean_gain: Tensor) -> Tensor:
    """The linear part of the change of RGB, `(N, 3, 3)`.

    Args:
        gates: Of the group.
        mean_gain: Factor on gray levels, from `gray_line`, `(N,)`.
    """
    draws = gates.draws
    log_saturation = draws.normal("saturation") * SATURATION_DEVIATION
    gain = _contrast(gates) * torch.exp2(gates.gated("saturation", log_saturation))
    hue = gates.gated("hue", (2 * draws.uniform("hue") - 1) * math.pi)
    along, turned = gain * hue.cos(), gain * hue.sin() / math.sqrt(3)
    same, other = (mean_gain + 2 * along) / 3, (mean_gain - along) / 3
    after, before = other - turned, other + turned  # the channel after it, and the one before it
    rows = (same, after, before), (before, same, after), (after, before, same)
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _contrast(gates: Gates) -> Tensor:
    log_contrast = gates.draws.normal("contrast") * CONTRAST_DEVIATION
    return torch.exp2(gates.gated("contrast", log_contrast))
