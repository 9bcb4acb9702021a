"""Adaptive discriminator augmentation (ADA, Karras et al. 2020, appendix B): the whole pipeline.

Eighteen transformations in six groups, each with a coin of its own that falls with chance p.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.augment.blit import BLIT_COINS, flip_and_turn, shift_pixels
from stylesmith.augment.color import COLOR_CHANNELS, COLOR_COINS, change_color
from stylesmith.augment.corruption import add_noise, cut_out
from stylesmith.augment.draws import (
    DrawPlan,
    Draws,
    Gates,
    as_strength,
    check_images,
    working_precision,
)
from stylesmith.augment.filter_bank import BAND_COINS, SMALLEST_SIDE, amplify_bands
from stylesmith.augment.geometry import (
    GEOMETRIC_COINS,
    integer_shift,
    sampling_map,
    strengths_of_change,
)
from stylesmith.augment.warp import Margins, reflection_margins, warp
from stylesmith.choices import AugmentGroup
from stylesmith.config.augment import AdaConfig
from stylesmith.errors import ConfigError

COINS = BLIT_COINS + GEOMETRIC_COINS + COLOR_COINS + BAND_COINS + ("noise", "cutout")
UNIFORM = (
    *("flip", "quarter turns", "integer shift x", "integer shift y"),
    *("first rotation", "second rotation", "luma flip", "hue", "cutout x", "cutout y"),
)
NORMAL = (
    *("scale", "stretch", "shift x", "shift y", "brightness", "contrast", "saturation"),
    *(*BAND_COINS, "noise"),
)


@dataclass(frozen=True)
class AdaPipeline:
    """The groups that run on images of one size."""

    multipliers: Mapping[AugmentGroup, float]
    """Factors on the strength of the groups in use."""
    left_out: Mapping[str, str]
    """Groups that cannot run on such images, with the reason."""
    shape: tuple[int, int, int]
    """Channels, height and width of the images."""

    @classmethod
    def create(cls, config: AdaConfig, channels: int, height: int, width: int) -> "AdaPipeline":
        """The pipeline of a config.

        Args:
            config: Groups and their multipliers.
            channels: Channels of the images, 1 or more.
            height: Height in pixels.
            width: Width in pixels.

        Raises:
            ConfigError: If none of its groups can run on such images.
        """
        reasons = {name: _obstacle(name, channels, height, width) for name in config.group_names}
        left_out: dict[str, str] = {name: reason for name, reason in reasons.items() if reason}
        used = [name for name in reasons if name not in left_out]
        if not used:
            raise ConfigError(f"augmentation {config.groups}: {'; '.join(left_out.values())}")
        multipliers = {name: config.multipliers.get(name, 1.0) for name in used}
        return cls(multipliers, left_out, (channels, height, width))

    def draw(self, generators: Sequence[torch.Generator]) -> Draws:
        """Random numbers of images, one CPU generator each."""
        noise_shape = self.shape if "noise" in self.multipliers else None
        return DrawPlan(COINS, UNIFORM, NORMAL, noise_shape).draw(generators)

    def apply(self, images: Tensor, draws: Draws, strength: float | Tensor) -> Tensor:
        """Augment images; see `Augmentation.apply`."""
        check_images(images, draws, self.shape)
        images = working_precision(images)
        gates = Gates(draws.to(images.device, images.dtype), as_strength(strength, images))
        groups = {name: gates.scaled(factor) for name, factor in self.multipliers.items()}
        if "blit" in groups:
            images = flip_and_turn(images, groups["blit"])
        if "geom" in groups:
            to_input = sampling_map(groups.get("blit"), groups["geom"], self.shape[1:])
            on_host = images.device.type == "cpu"
            margins = (
                reflection_margins(to_input, self.shape[1:])
                if on_host
                else self.margins_on_host(draws, strength)
            )
            images = warp(images, to_input, margins)
        elif "blit" in groups:
            right, down = integer_shift(groups["blit"], self.shape[1:])
            images = shift_pixels(images, right, down, fill="reflect")
        later = {"color": change_color, "filter": amplify_bands, "noise": add_noise}
        for name, transform in (later | {"cutout": cut_out}).items():
            if name in groups:
                images = transform(images, groups[name])
        return images

    def margins_on_host(self, draws: Draws, strength: float | Tensor) -> Margins:
        """How much of the reflected images is shown, without waiting for their device.

        Of a strength on another device than the CPU the value is not known here: then what any
        strength would show.
        """
        host = draws.host()
        if isinstance(strength, Tensor) and strength.device.type != "cpu":
            levels = self._strengths_of_change(host)
        else:
            levels = as_strength(strength, host.values)[None, None]
        gates = {name: Gates(host, levels * factor) for name, factor in self.multipliers.items()}
        to_input = sampling_map(gates.get("blit"), gates["geom"], self.shape[1:])
        return reflection_margins(to_input, self.shape[1:])

    def _strengths_of_change(self, host: Draws) -> Tensor:
        one = torch.ones((), dtype=host.values.dtype)
        geom = Gates(host, one * self.multipliers["geom"])
        coins = [(geom, name) for name in GEOMETRIC_COINS]
        if "blit" in self.multipliers:
            coins.append((Gates(host, one * self.multipliers["blit"]), "integer shift"))
        return strengths_of_change(coins)


def _obstacle(group: AugmentGroup, channels: int, height: int, width: int) -> str | None:
    """Why a group cannot run on images of that kind; None if it can."""
    if group == "color" and channels not in COLOR_CHANNELS:
        return f"color needs images with 1, 3 or 4 channels, these have {channels}"
    if group == "filter" and min(height, width) < SMALLEST_SIDE:
        return f"filter needs sides of {SMALLEST_SIDE} pixels, these are {width}x{height}"
    return None
