"""Whole configurations, each written as another one plus a change."""

import difflib

from stylesmith.errors import ConfigError
from stylesmith.presets.compare import differences, flatten_settings
from stylesmith.presets.preset import Preset
from stylesmith.presets.table import PRESETS

__all__ = ["PRESETS", "Preset", "differences", "find_preset", "flatten_settings"]


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: If there is none; the nearest name is offered.
    """
    names = [preset.name for preset in PRESETS]
    if name in names:
        return PRESETS[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else "`stylesmith presets` lists all."
    raise ConfigError(f"preset {name!r}: there is no such preset. {hint}")
