"""All presets by name, and what differs between two of them."""

import difflib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.config.base import Config
from stylesmith.errors import ConfigError
from stylesmith.presets import data_sets, stylegan2_configs, stylegan_configs
from stylesmith.presets.data_sets import (
    CAR,
    CAT,
    CELEBA_HQ,
    CHURCH,
    FFHQ,
    HORSE,
    DatasetOverrides,
    PaperDataset,
)
from stylesmith.presets.own_presets import auto, small_avatars, tiny
from stylesmith.presets.published_results import PublishedResults, published_results_of

BuildPreset = Callable[[DataConfig, torch.device], RunConfig]


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    name: str
    paper: str
    """`StyleGAN` or `StyleGAN2`; empty where it is our own."""
    table: str
    """Table, figure or appendix of the paper."""
    row: str
    """Row of the table, where its rows have letters."""
    summary: str
    build: BuildPreset
    data_set: PaperDataset | None = None
    """The one it is for; most take any images."""
    example_size: tuple[int, int] = (1024, 1024)
    """Height and width for which it is shown: those of the paper."""

    @property
    def source(self) -> str:
        """`StyleGAN2, Table 1, F`; empty where it is our own."""
        return ", ".join(part for part in (self.paper, self.table, self.row) if part)

    @property
    def results(self) -> PublishedResults:
        """What the paper measured."""
        return published_results_of(self.name)


def _for_any_device(build: Callable[[DataConfig], RunConfig]) -> BuildPreset:
    """A preset that is the same on every device."""
    return lambda data, device: build(data)


STYLEGAN_ROWS = (
    ("a", "Progressive GAN", stylegan_configs.config_a),
    ("b", "+ tuning, bilinear up and down", stylegan_configs.config_b),
    ("c", "+ mapping network and styles", stylegan_configs.config_c),
    ("d", "- traditional input", stylegan_configs.config_d),
    ("e", "+ noise inputs", stylegan_configs.config_e),
    ("f", "+ mixing regularization", stylegan_configs.config_f),
)
STYLEGAN2_ROWS = (
    ("a", "StyleGAN", stylegan2_configs.config_a),
    ("b", "+ weight demodulation", stylegan2_configs.config_b),
    ("c", "+ lazy regularization", stylegan2_configs.config_c),
    ("d", "+ path length regularization", stylegan2_configs.config_d),
    ("e", "no growing, skip G, resid D", stylegan2_configs.config_e),
    ("f", "+ large networks", stylegan2_configs.config_f),
    ("a-large", "A + large networks", stylegan2_configs.config_a_large),
)
TableRows = tuple[tuple[str, str, Callable[[DataConfig], RunConfig]], ...]
"""Name without the paper, what changed, and the function."""


def _table_1_presets(paper: str, rows: TableRows) -> Iterator[Preset]:
    for row, summary, build in rows:
        name = f"{paper.lower()}-{row}"
        yield Preset(name, paper, "Table 1", _row_title(row), summary, _for_any_device(build))


def _stylegan_table_2() -> Iterator[Preset]:
    for percent, same in ((0, ", as E"), (50, ""), (90, ", as F"), (100, "")):
        build = partial(stylegan_configs.with_mixing, percent=percent)
        summary = f"F, mixing in {percent}% of steps{same}"
        yield Preset(
            f"stylegan-f-mix{percent}", "StyleGAN", "Table 2", "", summary, _for_any_device(build)
        )


def _stylegan_table_4() -> Iterator[Preset]:
    for layers, same in ((0, ", as B"), (8, "")):
        build = partial(stylegan_configs.with_traditional_mapping, layers=layers)
        summary = f"traditional, {layers} mapping layers{same}"
        yield Preset(
            f"stylegan-b-map{layers}", "StyleGAN", "Table 4", "", summary, _for_any_device(build)
        )
    for layers, same in ((0, ""), (1, ""), (2, ""), (8, ", as F")):
        build = partial(stylegan_configs.with_style_mapping, layers=layers)
        summary = f"style-based, {layers} mapping layers{same}"
        yield Preset(
            f"stylegan-f-map{layers}", "StyleGAN", "Table 4", "", summary, _for_any_device(build)
        )


def _stylegan2_table_2() -> Iterator[Preset]:
    for g, d in itertools.product(stylegan2_configs.CONNECTIONS, stylegan2_configs.CONNECTIONS):
        name = f"stylegan2-e-g{g}-d{d}"
        build = partial(stylegan2_configs.with_connections, generator=g, discriminator=d)
        yield Preset(name, "StyleGAN2", "Table 2", "", f"E, {g} G, {d} D", _for_any_device(build))


def _stylegan2_figure_7() -> Iterator[Preset]:
    summary = "E, an image at every level"
    build = _for_any_device(stylegan2_configs.with_multiscale)
    yield Preset("stylegan2-e-multiscale", "StyleGAN2", "Figure 7a", "", summary, build)


def _stylegan2_table_4() -> Iterator[Preset]:
    for g, d in ((True, False), (False, True), (True, True)):
        name = f"{'g' * g}{'d' * d}"
        summary = f"F + spectral norm in {' and '.join(name.upper())}"
        build = _for_any_device(
            partial(stylegan2_configs.with_spectral_norm, generator=g, discriminator=d)
        )
        yield Preset(f"stylegan2-f-sn-{name}", "StyleGAN2", "Table 4", "", summary, build)
    for name, summary, row in (
        ("no-demod", "F without demodulation", stylegan2_configs.without_demodulation),
        ("no-path", "F without path length regularization", stylegan2_configs.without_path_length),
    ):
        yield Preset(
            f"stylegan2-f-{name}", "StyleGAN2", "Table 4", "", summary, _for_any_device(row)
        )


def _presets_on(
    paper: str,
    table: str,
    rows: TableRows,
    data_set: PaperDataset,
    tunings: Mapping[PaperDataset, DatasetOverrides],
) -> Iterator[Preset]:
    for row, _, build in rows:
        name, size = f"{paper.lower()}-{row}", data_set.size
        on = partial(data_sets.build_on_dataset, data_set, tunings[data_set], name, build)
        full, summary = f"{name}-{data_set.key}", f"trained on {data_set.title}"
        yield Preset(
            full, paper, table, _row_title(row), summary, _for_any_device(on), data_set, size
        )


def _row_title(row: str) -> str:
    """Name of a row as the paper has it."""
    return row[0].upper() + row[1:].replace("-", ", ")


def _stylegan_data_sets() -> Iterator[Preset]:
    for data_set in (FFHQ, CELEBA_HQ):
        yield from _presets_on(
            "StyleGAN", "Table 1", STYLEGAN_ROWS, data_set, data_sets.STYLEGAN_OVERRIDES
        )
    for data_set in (data_sets.BEDROOM, CAR, CAT):
        yield from _presets_on(
            "StyleGAN", "appendix E", STYLEGAN_ROWS[-1:], data_set, data_sets.STYLEGAN_OVERRIDES
        )


def _stylegan2_data_sets() -> Iterator[Preset]:
    yield from _presets_on(
        "StyleGAN2", "Table 1", STYLEGAN2_ROWS, FFHQ, data_sets.STYLEGAN2_OVERRIDES
    )
    yield from _presets_on(
        "StyleGAN2", "Table 1", STYLEGAN2_ROWS[:6], CAR, data_sets.STYLEGAN2_OVERRIDES
    )
    for data_set in (CAT, CHURCH, HORSE):
        a_and_f = (STYLEGAN2_ROWS[0], STYLEGAN2_ROWS[5])
        yield from _presets_on(
            "StyleGAN2", "Table 3", a_and_f, data_set, data_sets.STYLEGAN2_OVERRIDES
        )


def _own_presets() -> Iterator[Preset]:
    for name, size, summary, build in (
        ("auto", 256, "settings from your data and machine; the default", auto),
        (
            "small-avatars",
            32,
            "small images within minutes on a CPU",
            _for_any_device(small_avatars),
        ),
        ("tiny", 32, "smallest networks, for trying commands", _for_any_device(tiny)),
    ):
        yield Preset(name, "", "", "", summary, build, None, (size, size))


PRESETS = (
    *_own_presets(),
    *_table_1_presets("StyleGAN", STYLEGAN_ROWS),
    *_stylegan_table_2(),
    *_stylegan_table_4(),
    *_stylegan_data_sets(),
    *_table_1_presets("StyleGAN2", STYLEGAN2_ROWS),
    *_stylegan2_table_2(),
    *_stylegan2_figure_7(),
    *_stylegan2_table_4(),
    *_stylegan2_data_sets(),
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
    hint = f"Did you mean {near[0]}?" if near else "`stylesmith presets` lists all."
    raise ConfigError(f"preset {name!r}: there is no such preset. {hint}")


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
