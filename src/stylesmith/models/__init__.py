"""Storing generators and finding them again."""

from stylesmith.models.run_folder import RunFolder
from stylesmith.models.store import load, save_model

__all__ = ["RunFolder", "load", "save_model"]
