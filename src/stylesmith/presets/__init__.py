"""Whole configurations, each written as another one plus a change."""

from stylesmith.config.base import differences, flatten_settings
from stylesmith.presets.registry import PRESETS, Preset, find_preset

__all__ = ["PRESETS", "Preset", "differences", "find_preset", "flatten_settings"]
