"""The settings of a configuration one by one, and which of them differ between two."""

from collections.abc import Iterator

from stylesmith.config import RunConfig
from stylesmith.config.base import Config

SettingValue = object
"""A number, text, table or None; never a config."""


def flatten_settings(config: Config, prefix: str = "") -> Iterator[tuple[str, SettingValue]]:
    """Every setting under the name that `--set` takes; tables by resolution stay whole."""
    values = config.model_dump(mode="json")
    for name, value in values.items():
        inner = getattr(config, name)
        if isinstance(inner, Config):
            yield from flatten_settings(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def differences(
    first: RunConfig, second: RunConfig
) -> dict[str, tuple[SettingValue, SettingValue]]:
    """Settings whose values differ, in the order of the config; the presets' names don't count.

    A part that only one of them has, such as `training.growth`, is one setting.
    """
    return dict(_differences(first.change(preset=second.preset), second))


def _differences(
    first: Config, second: Config, prefix: str = ""
) -> Iterator[tuple[str, tuple[SettingValue, SettingValue]]]:
    values = first.model_dump(mode="json"), second.model_dump(mode="json")
    for name in type(first).model_fields:
        a, b = getattr(first, name), getattr(second, name)
        if isinstance(a, Config) and isinstance(b, Config):
            yield from _differences(a, b, f"{prefix}{name}.")
        elif a != b:
            yield f"{prefix}{name}", (values[0][name], values[1][name])
