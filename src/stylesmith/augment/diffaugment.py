"""DiffAugment (Zhao et al. 2020): color, translation and cutout.

Published without a strength: every image is augmented. Here each policy has a coin for each image,
which falls with chance p; strength 1 is the published form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.augment.blit import shift_pixels
from stylesmith.augment.color import COLOR_CHANNELS
from stylesmith.augment.draws import (
    DrawPlan,
    Draws,
    Gates,
    as_strength,
    check_images,
    expand,
    working_precision,
)
from stylesmith.choices import AugmentPolicy
from stylesmith.config.augment import POLICIES, DiffAugmentConfig
from stylesmith.errors import ConfigError

PLAN = DrawPlan(
    coins=POLICIES,
    uniform=(
        *("brightness", "saturation", "contrast"),
        *("translation x", "translation y", "cutout x", "cutout y"),
    ),
)
TRANSLATION = 1 / 8
"""Largest translation, in sides of the image."""
CUTOUT = 1 / 2
"""Sides of the erased rectangle, in sides of the image."""


@dataclass(frozen=True)
class DiffAugmentPipeline:
    """The policies that run on images of one size."""

    policies: tuple[AugmentPolicy, ...]
    left_out: Mapping[str, str]
    """Policies that cannot run on such images, with the reason."""
    shape: tuple[int, int, int]
    """Channels, height and width of the images."""

    @classmethod
    def create(
        cls, config: DiffAugmentConfig, channels: int, height: int, width: int
    ) -> "DiffAugmentPipeline":
        """The pipeline of a config.

        Args:
            config: Policies in use.
            channels: Channels of the images, 1 or more.
            height: Height in pixels.
            width: Width in pixels.

        Raises:
            ConfigError: If none of its policies can run on such images.
        """
        left_out: dict[str, str] = {}
        policies = config.policy_names
        if "color" in policies and channels not in COLOR_CHANNELS:
            left_out["color"] = f"color needs images with 1, 3 or 4 channels, these have {channels}"
            policies = tuple(policy for policy in policies if policy != "color")
        if not policies:
            raise ConfigError(f"augmentation {config.policies}: {left_out['color']}")
        return cls(policies, left_out, (channels, height, width))

    def draw(self, generators: Sequence[torch.Generator]) -> Draws:
        """Random numbers of images, one CPU generator each."""
        return PLAN.draw(generators)

    def apply(self, images: Tensor, draws: Draws, strength: float | Tensor) -> Tensor:
        """Augment images; see `Augmentation.apply`."""
        check_images(images, draws, self.shape)
        images = working_precision(images)
        gates = Gates(draws.to(images.device, images.dtype), as_strength(strength, images))
        if "color" in self.policies:
            images = change_color(images, gates)
        if "translation" in self.policies:
            images = translate(images, gates)
        if "cutout" in self.policies:
            images = cut_out(images, gates)
        return images


def change_color(images: Tensor, gates: Gates) -> Tensor:
    """Change brightness, saturation and contrast; alpha stays as it is.

    Brightness is added, saturation is relative to the mean of each pixel's channels, and contrast
    to the mean of the whole image.
    """
    draws = gates.draws
    rgb = images[:, :3]
    y = rgb + expand(draws.uniform("brightness") - 0.5)
    gray = y.mean(dim=1, keepdim=True)
    y = gray + (y - gray) * expand(2 * draws.uniform("saturation"))
    level = y.mean(dim=(1, 2, 3), keepdim=True)
    y = level + (y - level) * expand(0.5 + draws.uniform("contrast"))
    y = torch.cat([y, images[:, 3:]], dim=1)
    return torch.where(expand(gates.happens("color")), y, images)


def translate(images: Tensor, gates: Gates) -> Tensor:
    """Shift by up to an eighth of each side, in whole pixels; what comes in is medium gray."""
    height, width = images.shape[2:]
    shifts = []
    for name, side in (("translation x", width), ("translation y", height)):
        farthest = int(side * TRANSLATION + 0.5)
        steps = _whole(gates.draws.uniform(name), 2 * farthest + 1) - farthest
        shifts.append(gates.gated("translation", steps))
    return shift_pixels(images, shifts[0], shifts[1], fill="zeros")


def cut_out(images: Tensor, gates: Gates) -> Tensor:
    """Erase a rectangle of half the sides, clipped at the border, to medium gray."""
    within = []
    for name, axis in (("cutout y", 2), ("cutout x", 3)):
        side = images.shape[axis]
        size = int(side * CUTOUT + 0.5)
        center = _whole(gates.draws.uniform(name), side + 1 - size % 2)
        first = (center - size // 2)[:, None]
        pixel = torch.arange(side, device=images.device)
        within.append((pixel >= first) & (pixel < first + size))  # (N, side)
    erased = within[0][:, None, :, None] & within[1][:, None, None, :]
    return torch.where(erased & expand(gates.happens("cutout")), 0.0, images)


def _whole(uniform: Tensor, count: int) -> Tensor:
    """A whole number in 0..count-1 from one in 0..1, which may be rounded up to 1."""
    return (uniform * count).floor().clamp(max=count - 1)
