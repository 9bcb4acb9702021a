"""`stylesmith figure`: the figures of both papers, for any model."""

from pathlib import Path
from typing import Annotated

import typer

from stylesmith.cli.console import console, progress
from stylesmith.cli.drawing import Class, DeviceOption, Force, say
from stylesmith.cli.train import Device


def figure(
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="Which: stylegan-3, stylegan2-8.")
    ] = None,
    model: Annotated[
        str | None, typer.Argument(help="Run, model folder, snapshot, or `avatars`.")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show all figures, and what each needs.")
    ] = False,
    seeds: Annotated[str | None, typer.Option(help="Which pictures: 0-15, or 3,5,8-10.")] = None,
    psi: Annotated[float | None, typer.Option(min=-2, max=2, help="Truncation.")] = None,
    class_: Class = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many images, draws or points are measured.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each projection.")] = None,
    distance: Annotated[
        str | None, typer.Option(help="lpips, random or pixels; else the best there is.")
    ] = None,
    other: Annotated[
        Path | None, typer.Option(help="Second model or run, where two are compared.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Real images; else those of the run.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG to write, by default ID.png; SVG beside it for axes.")
    ] = None,
    device: DeviceOption = Device.auto,
    force: Force = False,
) -> None:
    """Draw a figure of the StyleGAN or StyleGAN2 paper for any model.

    Examples:
    `stylesmith figure --list`

    `stylesmith figure stylegan-8 runs/photos --out truncation.png`
    """
    from stylesmith.errors import UsageError

    if list_:
        _print_list()
        return
    if id_ is None:
        raise UsageError("name a figure and a model; `stylesmith figure --list` shows all figures")
    from stylesmith import files
    from stylesmith.devices import choose_device
    from stylesmith.figures import (
        Choices,
        Subject,
        check_choices,
        check_model,
        find_figure,
        save_drawing,
    )
    from stylesmith.sampling.sources import parse_sources

    chosen = find_figure(id_)
    check_model(chosen, model)
    choices = Choices(
        parse_sources(seeds) if seeds else None, psi, class_, count, steps, distance, other, data
    )
    check_choices(chosen, choices)
    path = out or Path(f"{id_}.png")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--out {path}: figures are PNG; name a .png file")
    for target in (path, path.with_suffix(".svg")):
        files.check_absent(target, force=force)
    assert chosen.draw is not None
    with progress("Drawing") as advance:
        subject = Subject(Path(model or ""), choose_device(device.value), choices)
        drawing = chosen.draw(subject, advance)
    written = save_drawing(drawing, path)
    say(f"{chosen.id}: {drawing.caption}")
    say(f"-> {', '.join(str(file) for file in written)}")


def _print_list() -> None:
    from rich.table import Table

    from stylesmith.figures import FIGURES

    table = Table("id", "shows", "needs", box=None, header_style="bold")
    for entry in FIGURES:
        table.add_row(entry.id, entry.title, entry.needs)
    console.print(table)
