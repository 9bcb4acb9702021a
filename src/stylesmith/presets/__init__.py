"""Whole configurations, each written as another one plus a change."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.errors import ConfigError
from stylesmith.presets.auto import auto
from stylesmith.presets.small import small_avatars, tiny
from stylesmith.presets.stylegan2 import config_e, config_f


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    name: str
    source: str
    """Paper, table and row; a dash where it is our own."""
    summary: str
    build: Callable[[DataConfig, torch.device], RunConfig]
    example_size: int = 1024
    """Image size shown in tables."""


PRESETS = (
    Preset("auto", "-", "Settings from your data and machine; the default", auto, 256),
    Preset(
        "stylegan2-e",
        "StyleGAN2, Table 1, E",
        "No growing: skip generator, residual discriminator",
        lambda data, device: config_e(data),
    ),
    Preset(
        "stylegan2-f",
        "StyleGAN2, Table 1, F",
        "+ Large networks",
        lambda data, device: config_f(data),
    ),
    Preset(
        "small-avatars",
        "-",
        "Small images within minutes on a CPU; the demo",
        lambda data, device: small_avatars(data),
        32,
    ),
    Preset(
        "tiny", "-", "Smallest networks, for trying commands", lambda data, device: tiny(data), 32
    ),
)


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: If there is none; the nearest name is offered.
    """
    names = [preset.name for preset in PRESETS]
    if name in names:
        return PRESETS[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
    raise ConfigError(f"preset {name!r}: there is no such preset. {hint}")
