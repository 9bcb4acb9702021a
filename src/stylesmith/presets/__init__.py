"""Whole configurations, each written as another one plus a change."""

from stylesmith.presets.registry import PRESETS, Preset, differences, find_preset, flatten_settings

__all__ = ["PRESETS", "Preset", "differences", "find_preset", "flatten_settings"]
