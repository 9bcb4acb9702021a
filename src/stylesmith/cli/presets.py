"""`stylesmith presets`: every configuration with its paper row, one in full, or two compared."""

import functools
import itertools
import json as json_
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylesmith.cli import options
from stylesmith.cli.console import print_line, print_table
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from stylesmith.config import Config, RunConfig
    from stylesmith.presets import Preset

PRESETS_LEGEND = """\
G, D: millions of parameters at the size named. Presets of a data set fix size and channels, and
mirror FFHQ and CelebA-HQ; all others follow your data. M: millions of images to train on.
FID, path length, P (precision), R (recall): as published; ~ is recalled, not confirmed.
Path lengths compare within one paper only (whole paths of cropped faces; path ends of images)."""


def presets(
    name: Annotated[str | None, typer.Argument(help="One preset, to see its settings.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the whole configuration, or --diff, as JSON.")
    ] = False,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="How two presets differ.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(help="Image size to show it for: 256, or WIDTHxHEIGHT.")
    ] = None,
) -> None:
    """List the configurations that `train --preset` knows, show one, or compare two.

    Examples:
    `stylesmith presets`

    `stylesmith presets stylegan2-f --json --resolution 256`

    `stylesmith presets --diff stylegan2-e stylegan2-f`
    """
    if name and diff:
        raise UsageError(f"--diff compares two presets; leave {name} out")
    if diff:
        _print_differences(diff, resolution, as_json=json)
    elif name:
        _print_preset(name, resolution, as_json=json)
    elif json:
        raise UsageError("--json: wanted a preset too, as in `stylesmith presets auto --json`")
    elif resolution:
        raise UsageError("--resolution: wanted a preset too, as in `stylesmith presets auto`")
    else:
        _print_all()


def _build_config(
    preset: "Preset", resolution: str | None = None, *, like: "Preset | None" = None
) -> "RunConfig":
    """A preset for images of a resolution, or of the size that one is shown for."""
    from stylesmith.config import DataConfig
    from stylesmith.devices import choose_device

    size = options.read_size(resolution) or (like or preset).example_size
    return preset.build(DataConfig(size=size), choose_device())


def _print_preset(name: str, resolution: str | None, *, as_json: bool) -> None:
    from stylesmith.presets import find_preset, flatten_settings

    preset = find_preset(name)
    config = _build_config(preset, resolution)
    if as_json:
        typer.echo(config.model_dump_json(indent=2))
        return
    source = f"{preset.source}: " if preset.source else ""
    print_line(f"{source}{preset.summary}")
    if preset.results.fid:
        print_line(f"published: {_describe_published(preset)}")
    for key, value in flatten_settings(config).items():
        print_line(f"{key} = {_setting_text(value)}")


def _print_differences(names: tuple[str, str], resolution: str | None, *, as_json: bool) -> None:
    from stylesmith.presets import differences, find_preset

    first, second = map(find_preset, names)
    # Both for the same images: a preset of a data set tells the other which.
    guide = first if first.data_set or not second.data_set else second
    configs = [
        _build_config(preset, resolution, like=None if preset.data_set else guide)
        for preset in (first, second)
    ]
    found = differences(*configs)
    if as_json:
        typer.echo(json_.dumps(found, indent=2))
    elif not found:
        print_line(f"{first.name} and {second.name} are the same.")
    else:
        rows = [(key, *map(_setting_text, values)) for key, values in found.items()]
        print_table(("setting", first.name, second.name), rows, pad_edge=False)


def _print_all() -> None:
    from stylesmith.presets import PRESETS

    tables = itertools.groupby(PRESETS, lambda one: (one.paper, one.table, one.data_set is None))
    for group in [list(presets) for _, presets in tables]:
        print_line(_group_title(group))
        _print_table(group)
        print_line("")
    print_line(PRESETS_LEGEND)


def _group_title(group: list["Preset"]) -> str:
    first = group[0]
    if not first.paper:
        return "Our own, for any images"
    titles = ", ".join(dict.fromkeys(preset.data_set.title for preset in group if preset.data_set))
    where = f"on {titles}" if titles else "for any images; figures are for FFHQ at 1024x1024"
    return f"{first.paper}, {first.table}, {where}"


def _print_table(group: list["Preset"]) -> None:
    """One table of presets; columns that stay empty are left out."""
    from rich.table import Column

    header = [Column(title, no_wrap=True) for title in ("name", "row", "what it is")]
    numbers = ("G", "D", "FID", "path", "P", "R")
    header += [Column(title, justify="right", no_wrap=True) for title in numbers]
    columns = zip(header, *map(_preset_cells, group), strict=True)
    used, *rows = zip(*(column for column in columns if any(column[1:])), strict=True)
    print_table(used, rows, pad_edge=False, header_style="", padding=(0, 1, 0, 0))


def _preset_cells(preset: "Preset") -> list[str]:
    from stylesmith.networks import build_discriminator, build_generator

    config, results = _build_config(preset), preset.results
    counts = [
        _millions_of_parameters(build_generator, config.generator),
        _millions_of_parameters(build_discriminator, config.discriminator),
    ]
    published = (results.fid, results.path_length, results.precision, results.recall)
    figures = ["" if value is None else str(value) for value in published]
    return [preset.name, preset.row, _describe_preset(preset, config), *counts, *figures]


@functools.cache
def _millions_of_parameters(build: "Callable[[Any], nn.Module]", config: "Config") -> str:
    """Millions of parameters; many presets share their networks."""
    import torch

    from stylesmith.networks import parameter_count

    with torch.device("meta"):
        millions = parameter_count(build(config)) / 1e6
    return f"{millions:.1f}" if millions >= 1 else f"{millions:.2g}"


def _describe_preset(preset: "Preset", config: "RunConfig") -> str:
    """What changed; for a data set, what is special to it."""
    width = config.data.size[1]
    if not preset.data_set:
        return preset.summary if preset.paper else f"{preset.summary} ({width}x{width})"
    training = config.training
    loss = "WGAN-GP" if training.loss == "wgan_gp" else f"R1 {training.r1_gamma:g}"
    return f"{preset.data_set.title} {width}, {loss}, {training.kimg / 1000:g} M"


def _describe_published(preset: "Preset") -> str:
    results = preset.results
    named = {
        "FID": results.fid,
        "path length": results.path_length,
        "precision": results.precision,
        "recall": results.recall,
    }
    given = [f"{name} {value}" for name, value in named.items() if value]
    recalled = any(value and not value.confirmed for value in named.values())
    return ", ".join(given) + (" (~ is recalled, not confirmed)" if recalled else "")


def _setting_text(value: object) -> str:
    """A value as `--set` takes it."""
    return value if isinstance(value, str) else json_.dumps(value)
