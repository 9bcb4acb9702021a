"""What augmentation can leave in generated images when it is strong (ADA, section 2.2)."""

from stylesmith.choices import AugmentGroup
from stylesmith.config.augment import AdaConfig, AugmentConfig

LEAK_BOUND = 0.8
"""Strength above which ADA's augmentations begin to show in generated images.

At 0.82 shifts by whole pixels can no longer be undone, and at 1 mirroring, turns and hues.
"""
LEAKS: dict[AugmentGroup, str] = {
    "blit": "mirrored or turned",
    "geom": "rotated or stretched",
    "color": "tinted or inverted",
    "filter": "blurred",
    "noise": "grainy",
    "cutout": "partly gray",
}
"""How images look in which a group shows."""


def describe_leaks(config: AugmentConfig, strength: float) -> str:
    """A sentence on what may show in generated images; empty up to a strength of 0.8.

    Also empty for DiffAugment, which is meant for a strength of 1.
    """
    if strength <= LEAK_BOUND or not isinstance(config, AdaConfig):
        return ""
    looks = ", ".join(LEAKS[group] for group in config.group_names)
    return (
        f"The strength of augmentation is {strength:.2f}. Above {LEAK_BOUND:g} it may show in "
        f"generated images: {looks}."
    )
