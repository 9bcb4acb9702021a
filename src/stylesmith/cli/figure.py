"""`stylesmith figure`: the figures of both papers, for any model."""

from pathlib import Path
from typing import Annotated

import typer

from stylesmith.cli.console import console, progress_bar
from stylesmith.cli.drawing import ClassOption, DeviceOption, ForceOption, print_line
from stylesmith.cli.train import DeviceName


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
    class_: ClassOption = None,
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
    device: DeviceOption = DeviceName.auto,
    force: ForceOption = False,
) -> None:
    """Draw a figure of the StyleGAN or StyleGAN2 paper for any model.

    Examples:
    `stylesmith figure --list`

    `stylesmith figure stylegan-8 runs/photos --out truncation.png`
    """
    from stylesmith.errors import UsageError

    if list_:
        _print_figure_list()
        return
    if id_ is None:
        raise UsageError("name a figure and a model; `stylesmith figure --list` shows all figures")
    from stylesmith import files
    from stylesmith.devices import choose_device
    from stylesmith.figures import (
        FigureInput,
        FigureOptions,
        check_model,
        check_options,
        find_figure,
        save_figure,
    )
    from stylesmith.sampling.sources import parse_seeds_and_paths

    chosen = find_figure(id_)
    check_model(chosen, model)
    choices = FigureOptions(
        parse_seeds_and_paths(seeds) if seeds else None,
        psi,
        class_,
        count,
        steps,
        distance,
        other,
        data,
    )
    check_options(chosen, choices)
    path = out or Path(f"{id_}.png")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--out {path}: figures are PNG; name a .png file")
    for target in (path, path.with_suffix(".svg")):
        files.check_absent(target, force=force)
    assert chosen.draw is not None
    with progress_bar("Drawing") as advance:
        subject = FigureInput(Path(model or ""), choose_device(device.value), choices)
        drawing = chosen.draw(subject, advance)
    written = save_figure(drawing, path)
    print_line(f"{chosen.id}: {drawing.caption}")
    print_line(f"-> {', '.join(str(file) for file in written)}")


def _print_figure_list() -> None:
    from rich.table import Table

    from stylesmith.figures import FIGURES

    table = Table("id", "shows", "needs", box=None, header_style="bold")
    for entry in FIGURES:
        table.add_row(entry.id, entry.title, entry.needs)
    console.print(table)
