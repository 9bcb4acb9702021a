"""`stylesmith figure` and `table`: the figures and tables of both papers, for any model or run."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.choices import DeviceName, ProtocolName
from stylesmith.cli.console import console, print_line, progress_bar
from stylesmith.cli.options import ClassOption, DeviceOption, ForceOption
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from stylesmith.figures.tables import FilledTable, MetricTable
    from stylesmith.figures.tables.run_comparison import RunComparison


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
    device: DeviceOption = "auto",
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
    from stylesmith.sampling.latent_codes import parse_seeds_and_paths

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
        subject = FigureInput(Path(model or ""), choose_device(device), choices)
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


def table(
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="Which: stylegan-1, stylegan2-5.")
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Run folders, or files of `evaluate --out`; ROW=PATH names the row."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show all tables, and what is measured in each.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="A .md, .csv or .html file; by default the terminal.")
    ] = None,
    watts: Annotated[
        float | None, typer.Option(min=0, help="Power of one device, for energy (stylegan2-5).")
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Train the rows one after the other, and measure them.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --run: a folder or zip of images to train on.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.001, help="With --run: the time of each row.")
    ] = None,
    kimg: Annotated[
        float | None,
        typer.Option(min=0.001, help="With --run: thousands of images of each row, not minutes."),
    ] = None,
    scale: Annotated[
        ProtocolName,
        typer.Option(help="small: narrow networks and quick metrics; paper: as published."),
    ] = "small",
    rows: Annotated[
        str | None, typer.Option(help="With --run: rows, with commas; else all for any images.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="With --run: what to measure; else what the table shows.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="With --run: a setting of all rows, as in `train`."),
    ] = None,
    out_runs: Annotated[
        Path | None, typer.Option(help="With --run: folder of the runs; else runs/table-ID.")
    ] = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
) -> None:
    """Put measurements into a table of the StyleGAN or StyleGAN2 paper, beside the published ones.

    Examples:
    `stylesmith table stylegan2-1`

    `stylesmith table stylegan2-1 runs/e runs/f stylegan2-a=a.jsonl --out main.html`

    `stylesmith table stylegan2-1 --run --data avatars.zip --minutes 20`

    `stylesmith table stylegan2-5 runs/e --watts 300`
    """
    if list_:
        _print_table_list()
        return
    if id_ is None:
        raise UsageError("name a table; `stylesmith table --list` shows all tables")
    from stylesmith import files
    from stylesmith.figures.tables import check_table_suffix, find_table, to_markdown, write_table

    chosen = find_table(id_)
    if out is not None:
        check_table_suffix(out)
        files.check_absent(out, force=force)
    if watts is not None and chosen is not None:
        raise UsageError(f"--watts: has no effect on {id_}; stylegan2-5 is the table about energy")
    given: dict[str, object] = {"--data": data, "--minutes": minutes, "--kimg": kimg}
    given |= {"--rows": rows, "--metrics": metrics, "--set": set_, "--out-runs": out_runs}
    named = [name for name, value in given.items() if value is not None]
    if run:
        if chosen is None:
            raise UsageError(f"--run: {id_} has no rows to train; name runs of your own")
        if sources:
            raise UsageError(f"--run: fills the table by itself; leave {sources[0]} out")
        if data is None:
            raise UsageError("--run: wanted --data too, the images to train on")
        _check_budget(minutes, kimg)
        place = out_runs or Path("runs") / f"table-{id_}"
        plan = _plan_comparison(
            chosen, data, place, minutes, kimg, scale, rows, metrics, set_ or [], device
        )
        sheet = _train_comparison(plan)
    elif named:
        raise UsageError(f"{named[0]}: wanted --run too, which trains the rows")
    else:
        sheet = _fill_from_sources(chosen, sources or [], watts)
    if out is None:
        print_line(to_markdown(sheet).rstrip())
    else:
        write_table(sheet, out)
        print_line(f"{sheet.title} -> {out}")


def _check_budget(minutes: float | None, kimg: float | None) -> None:
    if (minutes is None) == (kimg is None):
        raise UsageError("--run: wanted the budget of each row, either --minutes or --kimg")
    for name, amount in (("--minutes", minutes), ("--kimg", kimg)):
        if amount is not None and not math.isfinite(amount):
            raise UsageError(f"{name} {amount}: wanted a finite number")


def _fill_from_sources(
    chosen: "MetricTable | None", sources: list[str], watts: float | None
) -> "FilledTable":
    from stylesmith.figures.tables import compute_cost_table, fill_table, place_measurements

    if chosen is None:
        return compute_cost_table(sources, watts=watts)
    return fill_table(chosen, place_measurements(chosen, sources))


def _plan_comparison(
    chosen: "MetricTable",
    data: Path,
    out: Path,
    minutes: float | None,
    kimg: float | None,
    scale: ProtocolName,
    rows: str | None,
    metrics: str | None,
    settings: list[str],
    device: DeviceName,
) -> "RunComparison":
    from stylesmith import runs
    from stylesmith.data.dataset import open_dataset
    from stylesmith.devices import choose_device
    from stylesmith.figures.tables.run_comparison import RunComparison, choose_rows
    from stylesmith.metrics.protocol import parse_metrics

    names = [name.strip() for name in (rows or "").split(",") if name.strip()]
    chosen_rows = choose_rows(chosen, names)
    measured = parse_metrics(metrics, protocol=scale) if metrics else None
    with progress_bar("Reading") as advance:
        dataset = open_dataset(data, on_progress=advance)
    return RunComparison(
        table=chosen,
        rows=chosen_rows,
        out=out,
        dataset=dataset,
        data=runs.make_data_config(
            dataset, conditional=False, mirror=False, skip_bad=False, resize=False
        ),
        device=choose_device(device),
        scale=scale,
        kimg=kimg,
        minutes=minutes,
        metrics=measured,
        settings=settings,
    )


def _train_comparison(plan: "RunComparison") -> "FilledTable":
    """Train; after every row the table lies beside the runs in all three forms."""
    from stylesmith.figures.tables.run_comparison import train_table
    from stylesmith.figures.tables.table_output import TABLE_WRITERS, write_table

    budget = f"{plan.minutes:g} minutes" if plan.minutes else f"{plan.kimg:g} thousand images"
    rows = format_count(len(plan.presets), "row")
    print_line(f"{plan.table.id}: {rows} of {budget} each, into {plan.out}")

    def write(sheet: "FilledTable") -> None:
        for suffix in TABLE_WRITERS:
            write_table(sheet, plan.out / f"table{suffix}")

    return train_table(plan, say=print_line, on_table=write)


def _print_table_list() -> None:
    from rich.table import Table

    from stylesmith.figures.tables import COMPUTE_COST_TABLE, METRIC_TABLES

    shown = Table("id", "shows", "rows", "measured by", box=None, header_style="bold")
    for entry in METRIC_TABLES:
        names = ", ".join(metric.name for metric in entry.metrics)
        shown.add_row(entry.id, entry.caption, str(len(entry.rows)), names)
    shown.add_row(COMPUTE_COST_TABLE[0], COMPUTE_COST_TABLE[2], "your runs", "logs, and --watts")
    console.print(shown)
