"""`stylesmith presets`: every configuration, with its paper row."""

from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console
from stylesmith.errors import UsageError

if TYPE_CHECKING:
    from stylesmith.config import RunConfig


def presets(
    name: Annotated[str | None, typer.Argument(help="One preset, to see its settings.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the whole configuration as JSON.")
    ] = False,
    resolution: Annotated[
        str | None, typer.Option(help="Image size to show it for: 256, or WIDTHxHEIGHT.")
    ] = None,
) -> None:
    """List the configurations that `train --preset` knows, or show one.

    Examples:
    `stylesmith presets`

    `stylesmith presets stylegan2-f --json --resolution 256`
    """
    if name is None:
        if json:
            raise UsageError("--json: wanted a preset too, as in `stylesmith presets auto --json`")
        _print_table()
        return
    config = _config(name, resolution)
    if json:
        typer.echo(config.model_dump_json(indent=2))
    else:
        _print_settings(config.model_dump(mode="json"))


def _config(name: str, resolution: str | None) -> "RunConfig":
    from stylesmith.config import DataConfig, parse_size
    from stylesmith.devices import choose_device
    from stylesmith.presets import find_preset

    preset = find_preset(name)
    size = parse_size(resolution or str(preset.example_size))
    return preset.build(DataConfig(size=size), choose_device())


def _print_table() -> None:
    import torch
    from rich.table import Table

    from stylesmith.networks import build_discriminator, build_generator, parameter_count
    from stylesmith.presets import PRESETS

    table = Table("name", "paper and row", "what it is", "at", "G", "D", box=None)
    for preset in PRESETS:
        config = _config(preset.name, None)
        with torch.device("meta"):
            counts = [
                parameter_count(build_generator(config.generator)),
                parameter_count(build_discriminator(config.discriminator)),
            ]
        size = f"{preset.example_size}"
        table.add_row(preset.name, preset.source, preset.summary, size, *map(_millions, counts))
    console.print(table)
    console.print("G, D: parameters at the image size under `at`. Sizes follow your data.")


def _print_settings(values: dict[str, object], prefix: str = "") -> None:
    for key, value in values.items():
        if isinstance(value, dict):
            _print_settings(value, f"{prefix}{key}.")
        else:
            console.print(f"{prefix}{key} = {value}", markup=False, soft_wrap=True)


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count / 1e3:.0f} k"
