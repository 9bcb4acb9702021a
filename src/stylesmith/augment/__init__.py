"""Random transformations of images that keep a discriminator from memorizing the data."""

from stylesmith.augment.draws import Draws
from stylesmith.augment.pipeline import Augmentation, open_augmentation

__all__ = ["Augmentation", "Draws", "open_augmentation"]
