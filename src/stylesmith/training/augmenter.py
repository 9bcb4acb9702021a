"""Augmentation within a training step: keyed random numbers, the images' level, and the strength.

Real and generated images, and those of the R1 pass, get numbers of their own in each step. The same
image of the global batch gets the same numbers in any micro-batch and process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.augment import Augmentation, open_augmentation
from stylesmith.config import RunConfig
from stylesmith.latents import RandomKeys

AugmentImages = Callable[[list[Tensor]], list[Tensor]]
"""From what the discriminator takes, images alone in a list, to the same images augmented."""


def unchanged(images: list[Tensor]) -> list[Tensor]:
    """No augmentation."""
    return images


def _in_memory_as(image: Tensor, other: Tensor) -> Tensor:
    """The other images with the memory layout of these, which decides how fast they are read."""
    if image.is_contiguous(memory_format=torch.channels_last):
        return other.contiguous(memory_format=torch.channels_last)
    return other


@dataclass(frozen=True)
class Augmenter:
    """Augments the images of a step."""

    augmentation: Augmentation | None
    """None leaves images as they are."""
    keys: RandomKeys
    strength: Tensor
    """The chance p of each transformation, `()`; training changes it in place."""

    @classmethod
    def at_level(
        cls, config: RunConfig, level: int, keys: RandomKeys, strength: Tensor
    ) -> "Augmenter":
        """The augmentation of a run for images of a level, counted from 0 at the base.

        Args:
            config: The run.
            level: Level of the images, counted from 0 at the base.
            keys: Random keys of the run.
            strength: The strength p, `()`, which training changes in place.

        Raises:
            ConfigError: If no group of it can run on images of that size.
        """
        settings, generator = config.training.augment, config.generator
        if settings is None:
            return cls(None, keys, strength)
        size = generator.size(level)
        return cls(open_augmentation(settings, generator.image_channels, *size), keys, strength)

    def images(self, purpose: str, step: int, indices: Sequence[int]) -> AugmentImages:
        """The augmentation of the images with these indices in the global batch of a step.

        Args:
            purpose: Use of the images, such as `reals`: each has random numbers of its own.
            step: Number of the step.
            indices: Indices of the images in the global batch.
        """
        augmentation = self.augmentation
        if augmentation is None:
            return unchanged
        generators = [self.keys.generator(f"{purpose} augmentation", step, i) for i in indices]
        draws = augmentation.draw(generators).to(self.strength.device)

        def augment(images: list[Tensor]) -> list[Tensor]:
            (image,) = images
            augmented = augmentation.apply(image, draws, self.strength)
            return [_in_memory_as(image, augmented)]

        return augment
