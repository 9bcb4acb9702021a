"""`stylesmith figure` and `table`: the figures and tables of both papers, for any model or run."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.choices import DeviceName, ProtocolName
from stylesmith.cli.console import print_line, print_table, progress_bar
from stylesmith.cli.options import (
    ClassOption,
    DeviceOption,
    ForceOption,
    LabelOption,
    choose_label,
    split_names,
)
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count

if TYPE_CHECKING:
    from stylesmith.figures.tables.table_output import FilledTable
    from stylesmith.figures.tables.table_training import TableTraining
    from stylesmith.runs import RunComparison


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
    seeds: Annotated[str | None, typer.Option(help="Which images: 0-15, or 3,5,8-10.")] = None,
    psi: Annotated[float | None, typer.Option(min=-2, max=2, help="Truncation.")] = None,
    class_: ClassOption = None,
    label: LabelOption = None,
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
    if list_:
        from stylesmith.figures import FIGURES

        print_table(("id", "shows", "needs"), ((one.id, one.title, one.needs) for one in FIGURES))
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
    from stylesmith.sampling.parsing import parse_seeds_and_paths

    chosen = find_figure(id_)
    check_model(chosen, model)
    parts = parse_seeds_and_paths(seeds) if seeds else None
    options = FigureOptions(
        parts, psi, choose_label(class_, label), count, steps, distance, other, data
    )
    check_options(chosen, options)
    path = out or Path(f"{id_}.png")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--out {path}: figures are PNG; name a .png file")
    for target in (path, path.with_suffix(".svg")):
        files.check_absent(target, force=force)
    with progress_bar("Drawing") as advance:
        figure_input = FigureInput(Path(model or ""), choose_device(device), options)
        layout = chosen(figure_input, advance)
    written = save_figure(layout, path)
    print_line(f"{chosen.id}: {layout.caption}")
    print_line(f"-> {', '.join(str(file) for file in written)}")


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
        from stylesmith.figures.tables.metric_tables import TABLES

        listed = []
        for one in TABLES:
            how = ", ".join(metric.name for metric in one.metrics) or "logs, and --watts"
            listed.append((one.id, one.caption, str(len(one.rows) or "your runs"), how))
        print_table(("id", "shows", "rows", "measured by"), listed)
        return
    if id_ is None:
        raise UsageError("name a table; `stylesmith table --list` shows all tables")
    from stylesmith import files
    from stylesmith.figures.tables import compute_cost, measurements, metric_tables, table_output

    chosen = metric_tables.find_table(id_)
    if out is not None:
        table_output.check_table_suffix(out)
        files.check_absent(out, force=force)
    if watts is not None and chosen is not metric_tables.COMPUTE_COST_TABLE:
        raise UsageError(f"--watts: has no effect on {id_}; stylegan2-5 is the table about energy")
    given: dict[str, object] = {"--data": data, "--minutes": minutes, "--kimg": kimg}
    given |= {"--rows": rows, "--metrics": metrics, "--set": set_, "--out-runs": out_runs}
    named = [name for name, value in given.items() if value is not None]
    if not run:
        if named:
            raise UsageError(f"{named[0]}: wanted --run too, which trains the rows")
        if chosen is metric_tables.COMPUTE_COST_TABLE:
            filled = compute_cost.compute_cost_table(sources or [], watts=watts)
        else:
            filled = measurements.fill_table(
                chosen, measurements.place_measurements(chosen, sources or [])
            )
    else:
        if not chosen.rows:
            raise UsageError(f"--run: {id_} has no rows to train; name runs of your own")
        if sources:
            raise UsageError(f"--run: fills the table by itself; leave {sources[0]} out")
        if data is None:
            raise UsageError("--run: wanted --data too, the images to train on")
        _check_budget(minutes, kimg)
        from stylesmith.figures.tables import table_training
        from stylesmith.metrics.protocol import parse_metrics

        chosen_rows = table_training.choose_rows(chosen, split_names(rows))
        measured = parse_metrics(metrics, protocol=scale) if metrics else None
        comparison = _open_comparison(
            data, out_runs or Path("runs") / f"table-{id_}", device, minutes, kimg
        )
        comparison = replace(
            comparison, changes=table_training.SCALE_CHANGES[scale], settings=set_ or []
        )
        filled = _train_table(
            table_training.TableTraining(chosen, chosen_rows, comparison, scale, measured)
        )
    if out is None:
        print_line(table_output.to_markdown(filled).rstrip())
    else:
        table_output.write_table(filled, out)
        print_line(f"{filled.title} -> {out}")


def _check_budget(minutes: float | None, kimg: float | None) -> None:
    if (minutes is None) == (kimg is None):
        raise UsageError("--run: wanted the budget of each row, either --minutes or --kimg")


def _open_comparison(
    data: Path, out: Path, device: DeviceName, minutes: float | None, kimg: float | None
) -> "RunComparison":
    from stylesmith import runs
    from stylesmith.data.dataset import open_dataset
    from stylesmith.devices import choose_device

    with progress_bar("Reading") as advance:
        dataset = open_dataset(data, on_progress=advance)
    config = runs.make_data_config(
        dataset, conditional=False, mirror=False, skip_bad=False, resize=False
    )
    return runs.RunComparison(
        out, dataset, config, choose_device(device), kimg, minutes, folder_option="--out-runs"
    )


def _train_table(training: "TableTraining") -> "FilledTable":
    """Train; after every row the table lies beside the runs in all three forms."""
    from stylesmith.figures.tables.table_output import TABLE_WRITERS, write_table
    from stylesmith.figures.tables.table_training import train_table

    count, runs = format_count(len(training.presets), "row"), training.runs
    print_line(f"{training.table.id}: {count} of {runs.budget} each, into {runs.out}")

    def write(filled: "FilledTable") -> None:
        for suffix in TABLE_WRITERS:
            write_table(filled, runs.out / f"table{suffix}")

    return train_table(training, notify=print_line, on_table=write)
