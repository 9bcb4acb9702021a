"""`stylesmith evaluate`: the metrics of both papers for a model or a folder of images."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylesmith.cli.console import console, error_console, progress_bar
from stylesmith.cli.train import DeviceName

if TYPE_CHECKING:
    from stylesmith.metrics.protocol import Metric
    from stylesmith.metrics.results import MetricResult


class ProtocolChoice(StrEnum):
    """Choices of --protocol."""

    paper = "paper"
    small = "small"


class PrecisionOptionName(StrEnum):
    """Choices of --precision."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Run, model folder, `avatars`, or a folder or zip of images.")
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
        ProtocolChoice, typer.Option(help="How many samples, where a name gives no number.")
    ] = ProtocolChoice.paper,
    repeats: Annotated[
        int, typer.Option(min=1, help="Measure so often, each time with other samples.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other samples.")] = 0,
    psi: Annotated[
        float, typer.Option(min=-2, max=2, help="Truncation; published numbers are without.")
    ] = 1.0,
    precision: Annotated[
        PrecisionOptionName, typer.Option(help="Of the generator; path lengths always take fp32.")
    ] = PrecisionOptionName.auto,
    resolution: Annotated[
        str | None, typer.Option(help="Crop and resize data: 256, or WIDTHxHEIGHT.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave unreadable images out.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write JSON lines to a file too.")] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep statistics of real images.")
    ] = False,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = DeviceName.auto,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Measure quality, variety and smoothness, as the papers do.

    Names with a number are exact (`fid50k`, `pr50k3_full`, `ppl2_wend_10k`); without one,
    --protocol decides. With another extractor than the published one, names change: `fd_random` is
    good for comparing runs, and is no FID.

    Examples:
    `stylesmith evaluate runs/photos --metrics fid50k,ppl2_wend`

    `stylesmith evaluate runs/photos --metrics fd,pr --extractor random --protocol small`
    """
    from stylesmith.metrics.protocol import parse_metrics

    chosen = parse_metrics(metrics, extractor=extractor, protocol=protocol.value)

    from stylesmith import distributed, files
    from stylesmith.config import parse_size
    from stylesmith.devices import choose_device, choose_precision
    from stylesmith.metrics.evaluate import EvaluationSettings
    from stylesmith.metrics.evaluate import evaluate as measure
    from stylesmith.metrics.extraction import ProgressReporter
    from stylesmith.metrics.image_sources import SourceOptions, open_sources
    from stylesmith.metrics.reference_statistics import StatisticsCache, default_cache_folder

    if out is not None:
        files.check_absent(out, force=force)
    place = choose_device(device.value)
    size = parse_size(resolution) if resolution else None
    settings = EvaluationSettings(
        place,
        seed,
        repeats,
        classifiers,
        StatisticsCache(None if no_cache else default_cache_folder()),
    )
    with distributed.process_group(place):
        with main_process_progress_bar("Reading") as advance:
            how = SourceOptions(
                place,
                choose_precision(precision.value, place),
                seed=seed,
                psi=psi,
                size=size,
                skip_bad=skip_bad,
                on_progress=advance,
            )
            fake, real = open_sources(model, data, how)
        _print_status(_describe_metrics(chosen, repeats), quiet=json)
        with main_process_progress_bar("Measuring") as advance:
            meter = ProgressReporter(lambda text: _print_status(text, quiet=json), advance)
            results = _write_results(
                measure(fake, real, chosen, settings, meter), json=json, out=out
            )
        if distributed.is_main():
            _print_results(results, json=json)


@contextmanager
def main_process_progress_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """As `progress`, by the main one of several processes."""
    from stylesmith import distributed

    if distributed.planned_rank() > 0:
        yield lambda done, total: None
        return
    with progress_bar(description) as advance:
        yield advance


def _describe_metrics(metrics: "list[Metric]", repeats: int) -> str:
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
    from stylesmith import files

    known = []
    for result in results:
        known.append(result)
        if json:
            typer.echo(result.to_json())
        if out is not None:
            files.write_text(out, "".join(f"{result.to_json()}\n" for result in known))
    return known


def _print_results(results: "list[MetricResult]", *, json: bool) -> None:
    from stylesmith.metrics.results import results_table, unique_notes

    if not json:
        console.print(results_table(results))
    for note in unique_notes(results):
        error_console.print(f"note: {note}", markup=False, soft_wrap=True)


def _print_status(text: str, *, quiet: bool) -> None:
    """To stderr where stdout is for programs."""
    from stylesmith import distributed

    if distributed.planned_rank() == 0:
        (error_console if quiet else console).print(text, markup=False, soft_wrap=True)
