"""Storing generators and finding them again."""

from stylesmith.models.bundle import Bundle, largest_difference, load_bundle, save_bundle
from stylesmith.models.hub import from_pretrained, push_to_hub, save_pretrained
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.shipped import locate_model, shipped_models
from stylesmith.models.store import load, save_model

__all__ = [
    "Bundle",
    "RunFolder",
    "from_pretrained",
    "largest_difference",
    "load",
    "load_bundle",
    "locate_model",
    "push_to_hub",
    "save_bundle",
    "save_model",
    "save_pretrained",
    "shipped_models",
]
