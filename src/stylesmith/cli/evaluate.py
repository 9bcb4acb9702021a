"""`stylesmith evaluate`: the metrics of both papers for a model or a folder of images."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith import files
from stylesmith.choices import PrecisionName, ProtocolName
from stylesmith.cli import options
from stylesmith.cli.console import console, error_console, print_line, print_problem, progress_bar
from stylesmith.metrics.protocol import Metric, parse_metrics

if TYPE_CHECKING:
    from stylesmith.metrics.results import MetricResult


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Run, model folder, `avatars`, or images of any kind.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Real images (or another model); else those the run was trained on."),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Names, such as fid50k,kid50k,is50k,pr50k3,ppl_wend,ppl2_wend,ls.")
    ] = "fid50k",
    extractor: Annotated[
        str | None,
        typer.Option(help="inception, vgg16, classifiers, or random, which needs no weights."),
    ] = None,
    classifiers: Annotated[
        Path | None, typer.Option(help="Folder of attribute classifiers, for `ls`.")
    ] = None,
    protocol: Annotated[
        ProtocolName, typer.Option(help="How many samples, where a name gives no number.")
    ] = "paper",
    repeats: Annotated[
        int, typer.Option(min=1, help="Number of measurements, each with other samples.")
    ] = 1,
    seed: options.SeedOption = 0,
    psi: Annotated[
        float, typer.Option(min=-2, max=2, help="Truncation; published numbers are without.")
    ] = 1.0,
    precision: Annotated[
        PrecisionName,
        typer.Option(help="Of the generator: auto is fp32, as path lengths always are."),
    ] = "auto",
    resolution: options.ResolutionOption = None,
    skip_bad: options.SkipBadOption = False,
    split: options.SplitOption = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write JSON lines to a file too.")] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep statistics of real images.")
    ] = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    force: options.ForceOption = False,
) -> None:
    """Measure quality, variety and smoothness, as the papers do.

    Names with a number are exact (`fid50k`, `pr50k3_full`, `ppl2_wend_10k`); without one,
    --protocol decides. With another extractor than the published one, names change: `fd_random` is
    good for comparing runs, and is no FID.

    Examples:
    `stylesmith evaluate runs/photos --metrics fid50k,ppl2_wend`

    `stylesmith evaluate runs/photos --metrics fd,pr --extractor random --protocol small`
    """
    chosen = parse_metrics(metrics, extractor=extractor, protocol=protocol)

    from stylesmith import distributed
    from stylesmith.data.image_set import ReadOptions
    from stylesmith.devices import choose_device, choose_drawing_precision, set_threads
    from stylesmith.metrics import evaluate as evaluation
    from stylesmith.metrics.extraction import ProgressReporter
    from stylesmith.metrics.image_sources import SourceOptions, open_sources
    from stylesmith.metrics.reference_statistics import StatisticsCache, default_cache_folder
    from stylesmith.metrics.results import results_table, unique_notes

    set_threads(threads)
    if out is not None:
        files.check_absent(out, force=force)
    place, size = choose_device(device), options.read_size(resolution, any_size=True)
    dtype = choose_drawing_precision(precision, place)
    cache = StatisticsCache(None if no_cache else default_cache_folder())
    settings = evaluation.EvaluationSettings(place, seed, repeats, classifiers, cache)
    status_console = error_console if json else console  # stdout is for programs then
    with distributed.process_group(place):
        with progress_bar("Reading") as advance:
            source_options = SourceOptions(
                place,
                dtype,
                seed=seed,
                psi=psi,
                size=size,
                skip_bad=skip_bad,
                reading=ReadOptions(split),
                on_progress=advance,
            )
            fake, real = open_sources(model, data, source_options)
        print_line(_describe_metrics(chosen, repeats), to=status_console)
        with progress_bar("Measuring") as advance:
            reporter = ProgressReporter(lambda text: print_line(text, to=status_console), advance)
            measured = evaluation.evaluate(fake, real, chosen, settings, reporter)
            results = _write_results(measured, json=json, out=out)
    if results and not json:  # the first of several processes has them
        console.print(results_table(results))
    for note in unique_notes(results):
        print_problem("note", note)


def _describe_metrics(metrics: list[Metric], repeats: int) -> str:
    """Counts, which are printed before anything long starts."""
    counts = ", ".join(
        f"{metric.name} ({metric.count:,} {'pairs' if metric.family == 'ppl' else 'images'})"
        for metric in metrics
    )
    return f"Measuring {counts}{f', {repeats} times' if repeats > 1 else ''}"


def _write_results(
    results: "Iterable[MetricResult]", *, json: bool, out: Path | None
) -> "list[MetricResult]":
    """Print and write each result as soon as it is known."""
    known = []
    for result in results:
        known.append(result)
        if json:
            typer.echo(result.to_json())
        if out is not None:
            files.write_text(out, "".join(f"{result.to_json()}\n" for result in known))
    return known
