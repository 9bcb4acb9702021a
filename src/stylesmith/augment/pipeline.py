"""Augmentations of the discriminator's images: what all have in common, and opening one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from stylesmith.augment.ada import AdaPipeline
from stylesmith.augment.diffaugment import DiffAugmentPipeline
from stylesmith.augment.draws import Draws
from stylesmith.config.augment import AdaConfig, AugmentConfig, DiffAugmentConfig


class Augmentation(Protocol):
    """Random transformations of images of one size; a function of images, draws and strength."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """Groups that were asked for and cannot run on such images, with the reason."""

    def draw(self, generators: Sequence[torch.Generator]) -> Draws:
        """Random numbers of N images, one CPU generator each, whatever the strength will be."""

    def apply(self, images: Tensor, draws: Draws, strength: float | Tensor) -> Tensor:
        """Augment images.

        At fixed draws and strength it is an affine map of the images, except for DiffAugment's
        contrast, and has derivatives by them to any order.

        Args:
            images: `(N, C, H, W)` in -1..1, of any dtype.
            draws: Numbers of these images, on their device.
            strength: Chance p of each transformation, 0..1; a number or a tensor `()`. A tensor on
                another device than the CPU is never read on the host.

        Returns:
            `(N, C, H, W)` in fp32, or in fp64 if images are. Values may lie beyond -1..1.

        Raises:
            ShapeError: If images are not of the size or number that was said.
        """


def open_augmentation(
    config: AugmentConfig, channels: int, height: int, width: int
) -> Augmentation:
    """The augmentation of a config for images of one size.

    Args:
        config: The pipeline and its parts.
        channels: Channels of the images, 1 or more.
        height: Height in pixels.
        width: Width in pixels.

    Raises:
        ConfigError: If none of the groups can run on such images.
    """
    if isinstance(config, AdaConfig):
        return AdaPipeline.create(config, channels, height, width)
    if isinstance(config, DiffAugmentConfig):
        return DiffAugmentPipeline.create(config, channels, height, width)
    raise TypeError(f"no augmentation of kind {config.kind!r}")
