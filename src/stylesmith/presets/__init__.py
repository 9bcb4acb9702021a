"""Whole configurations, each written as another one plus a change."""

import difflib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.errors import ConfigError
from stylesmith.presets.auto import auto
from stylesmith.presets.small import small_avatars, tiny
from stylesmith.presets.stylegan2 import (
    CONNECTIONS,
    config_e,
    config_f,
    connections,
    spectral,
    without_demodulation,
    without_path_length,
)

Build = Callable[[DataConfig, torch.device], RunConfig]


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    name: str
    source: str
    """Paper, table and row; a dash where it is our own."""
    summary: str
    build: Build
    example_size: int = 1024
    """Image size shown in tables."""


def _table_1() -> Iterator[Preset]:
    source = "StyleGAN2, Table 1, "
    summary = "No growing: skip generator, residual discriminator"
    yield Preset("stylegan2-e", f"{source}E", summary, _of(config_e))
    yield Preset("stylegan2-f", f"{source}F", "+ Large networks", _of(config_f))


def _table_2() -> Iterator[Preset]:
    for g, d in itertools.product(CONNECTIONS, CONNECTIONS):
        yield Preset(
            f"stylegan2-e-g{g}-d{d}",
            "StyleGAN2, Table 2",
            f"E with {g} G and {d} D",
            _of(partial(connections, generator=g, discriminator=d)),
        )


def _table_4() -> Iterator[Preset]:
    source = "StyleGAN2, Table 4"
    for g, d in ((True, False), (False, True), (True, True)):
        name = f"{'g' * g}{'d' * d}"
        summary = f"F + spectral norm in {' and '.join(name.upper())}"
        build = partial(spectral, generator=g, discriminator=d)
        yield Preset(f"stylegan2-f-sn-{name}", source, summary, _of(build))
    summary = "F without demodulation"
    yield Preset("stylegan2-f-no-demod", source, summary, _of(without_demodulation))
    summary = "F without path length regularization"
    yield Preset("stylegan2-f-no-path", source, summary, _of(without_path_length))


def _of(build: Callable[[DataConfig], RunConfig]) -> Build:
    """A preset that is the same on every device."""
    return lambda data, device: build(data)


PRESETS = (
    Preset("auto", "-", "Settings from your data and machine; the default", auto, 256),
    *_table_1(),
    *_table_2(),
    *_table_4(),
    Preset("small-avatars", "-", "Small images within minutes on a CPU", _of(small_avatars), 32),
    Preset("tiny", "-", "Smallest networks, for trying commands", _of(tiny), 32),
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
