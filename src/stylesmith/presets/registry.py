"""All presets by name: the rows and variants of the papers' tables, and our own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.errors import ConfigError, suggest_name
from stylesmith.presets import ada_configs, stylegan2_configs, stylegan_configs
from stylesmith.presets.data_sets import (
    STYLEGAN2_OVERRIDES,
    STYLEGAN_OVERRIDES,
    DatasetOverrides,
    PaperDataset,
    PresetRow,
)
from stylesmith.presets.own_presets import (
    auto,
    auto_augmentation,
    auto_held_out_images,
    small_avatars,
    tiny,
)
from stylesmith.presets.published_results import PublishedResults, published_results_of

BuildPreset = Callable[[DataConfig, torch.device, int], RunConfig]
"""A function of the data, the device, and the number of processes."""


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    name: str
    summary: str
    build_config: BuildPreset
    paper: str = ""
    """`StyleGAN` or `StyleGAN2`; empty where it is our own."""
    table: str = ""
    """Table, figure or appendix of the paper."""
    row: str = ""
    """Row of the table, where its rows have letters."""
    data_set: PaperDataset | None = None
    """The one it is for; most take any images."""
    example_size: tuple[int, int] = (1024, 1024)
    """Height and width for which it is shown: those of the paper."""
    held_out_images: Callable[[int], int] = lambda images: 0
    """How many of so many images are kept from training where the user does not say it."""
    augmentation: Callable[[int], str] | None = None
    """The augmentation for so many images where the user does not say it; None keeps its own."""

    def build(self, data: DataConfig, device: torch.device, processes: int = 1) -> RunConfig:
        """The configuration for these images on this device, in so many processes.

        Args:
            data: Size, channels and labels of the images.
            device: The device that trains.
            processes: Number of processes that share a batch; only `auto` follows it.

        Raises:
            ConfigError: If the preset is for other images.
        """
        return self.build_config(data, device, processes).change(preset=self.name)

    @property
    def source(self) -> str:
        """`StyleGAN2, Table 1, F`; empty where it is our own."""
        return ", ".join(part for part in (self.paper, self.table, self.row) if part)

    @property
    def results(self) -> PublishedResults:
        """What the paper measured."""
        return published_results_of(self.name)


def _on_any_device(build: Callable[..., RunConfig], *options: Any) -> BuildPreset:
    return lambda data, device, processes: build(data, *options)


def _on_dataset(
    data_set: PaperDataset, overrides: DatasetOverrides, row: str, build: Callable[..., RunConfig]
) -> BuildPreset:
    """The preset `row`, which `build` makes, trained on a data set."""
    name = f"{row}-{data_set.key}"
    return lambda data, device, processes: overrides.apply(
        build(data_set.fit(data, preset=name, row=row))
    )


def _row_title(row: str) -> str:
    """Name of a row as the paper has it."""
    return row[0].upper() + row[1:].replace("-", ", ")


def _paper_presets(
    paper: str, rows: Sequence[PresetRow], overrides: Mapping[PaperDataset, DatasetOverrides]
) -> Iterator[Preset]:
    """Rows for any images, then those for one data set."""
    prefix = f"{paper.lower()}-"
    for name, table, summary, build, *options in rows:
        row = _row_title(name.removeprefix(prefix)) if table == "Table 1" else ""
        yield Preset(name, summary, _on_any_device(build, *options), paper, table, row)
    builders = {name: build for name, _, _, build, *_ in rows}
    for data_set, override in overrides.items():
        for row in override.rows:
            name, summary = prefix + row, f"trained on {data_set.title}"
            build = _on_dataset(data_set, override, name, builders[name])
            source = paper, override.table, _row_title(row)
            yield Preset(f"{name}-{data_set.key}", summary, build, *source, data_set, data_set.size)


PRESETS = (
    Preset(
        "auto",
        "settings from your data and machine; the default",
        auto,
        held_out_images=auto_held_out_images,
        augmentation=auto_augmentation,
        example_size=(256, 256),
    ),
    Preset(
        "small-avatars",
        "small images within minutes on a CPU",
        _on_any_device(small_avatars),
        example_size=(32, 32),
    ),
    Preset(
        "tiny",
        "smallest networks, for trying commands",
        _on_any_device(tiny),
        example_size=(32, 32),
    ),
    *_paper_presets("StyleGAN", stylegan_configs.ROWS, STYLEGAN_OVERRIDES),
    *_paper_presets("StyleGAN2", stylegan2_configs.ROWS, STYLEGAN2_OVERRIDES),
    *_paper_presets("StyleGAN2-ADA", ada_configs.ROWS, {}),
)


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: If there is none; the nearest name is offered.
    """
    names = [preset.name for preset in PRESETS]
    if name in names:
        return PRESETS[names.index(name)]
    published = name.lower().replace("config", "stylegan2")  # as the papers' programs name rows
    near = suggest_name(name, names) or suggest_name(published, names, cutoff=0.9)
    hint = f"Did you mean {near}?" if near else "`stylesmith presets` lists all."
    raise ConfigError(f"preset {name!r}: there is no such preset. {hint}")
