"""Storing generators and finding them again."""

from stylesmith.models.description import describe_model
from stylesmith.models.hub import from_pretrained, push_to_hub, save_pretrained
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.serialization import (
    Bundle,
    largest_difference,
    load,
    load_bundle,
    load_discriminator,
    locate_model,
    save_bundle,
    save_model,
    shipped_models,
)

__all__ = [
    "Bundle",
    "RunFolder",
    "describe_model",
    "from_pretrained",
    "largest_difference",
    "load",
    "load_bundle",
    "load_discriminator",
    "locate_model",
    "push_to_hub",
    "save_bundle",
    "save_model",
    "save_pretrained",
    "shipped_models",
]
