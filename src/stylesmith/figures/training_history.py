"""Quantities over the training of a run: metrics, and contributions of the toRGB layers.

Source: StyleGAN, Figure 9; StyleGAN2, Figure 8.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.charts import evenly_spaced
from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.figure_input import FigureInput, paper_figure
from stylesmith.figures.panels import (
    OKABE_ITO_COLORS,
    ChartPanel,
    FigureLayout,
    resolution_chart_width,
)
from stylesmith.figures.tables.measurements import parse_score_title
from stylesmith.formatting import format_image_size
from stylesmith.models import RunFolder, load
from stylesmith.networks import Generator
from stylesmith.networks.sample_inputs import label_input
from stylesmith.sampling import sample_w
from stylesmith.training.log import LogRecord, read_log
from stylesmith.training.run_history import finite_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


METRIC_FAMILIES = (("fd", "kd"), ("ppl",))
"""Families of metrics, a chart for each kind: how near to the data, how entangled."""

MetricCurves = dict[str, list[tuple[int, float]]]
"""Images seen and value of each metric; NaN where others were measured but not this one."""


@dataclass(frozen=True)
class RunMetricCurves:
    """What a run's log says of its model's quality."""

    name: str
    curves: MetricCurves
    grown_at: int | None
    """Images seen until a growing network had all its levels; None where nothing grew."""


@paper_figure(
    "stylegan-9",
    "Quality and path length over training",
    "other",
    "a run with metrics in its log; --other for a second one",
)
def training_history(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 9: two charts, one above the other, and a curve in each for each run."""
    runs = [_read_run_curves(one) for one in model.compared_inputs()]
    on_progress(1, 1)
    metrics, names = shared_metrics(runs), " and ".join(run.name for run in runs)
    if not metrics:
        kept = "; ".join(f"{run.name} has {', '.join(run.curves)}" for run in runs)
        raise UsageError(
            f"the logs of {names} share no Fréchet distance and no path length: {kept}. Measure "
            "them alike: train with --metrics fd_random_5k,pl2_random_wend_2k"
        )
    caption = (
        f"StyleGAN, Figure 9. {' and '.join(metrics)} over the course of training, of {names}, "
        f"from the logs; smaller is better.{_history_notes(metrics, runs)}"
    )
    plots = {name: partial(_plot_metric, name=name, runs=runs) for name in metrics}
    charts = [[ChartPanel(plot, name, width=760, height=300)] for name, plot in plots.items()]
    return FigureLayout(caption, charts)


def read_metric_curves(run: RunFolder) -> MetricCurves:
    """Every metric that a run measured while training, in the order of the log.

    Raises:
        ModelError: If the log is missing or damaged.
    """
    measured = [record for record in read_log(run.log) if record["event"] == "metrics"]
    names = dict.fromkeys(name for record in measured for name in record.get("scores", {}))

    def value(record: LogRecord, name: str) -> float:
        known = finite_number(record.get("scores", {}).get(name))
        return math.nan if known is None else known

    return {
        name: [(record["images_seen"], value(record, name)) for record in measured]
        for name in names
    }


def shared_metrics(runs: Sequence[RunMetricCurves]) -> list[str]:
    """The first metric of each kind that all runs have."""
    names = [name for name in runs[0].curves if all(name in run.curves for run in runs)]
    found = (
        next((name for name in names if _metric_family(name) in kind), None)
        for kind in METRIC_FAMILIES
    )
    return [name for name in found if name]


def _read_run_curves(model: FigureInput) -> RunMetricCurves:
    scores = read_metric_curves(model.run)
    if not any(_metric_family(name) in kind for name in scores for kind in METRIC_FAMILIES):
        raise ModelError(
            f"{model.run.log}: has no Fréchet distance and no path length, which this figure "
            "shows; train with --metrics fd_random_5k,pl2_random_wend_2k --metrics-every KIMG"
        )
    config = model.run.read_config()
    growth = config.training.growth
    grown = round(1000 * growth.grown_kimg(config.generator.levels)) if growth else None
    return RunMetricCurves(model.name, scores, grown)


def _metric_family(name: str) -> str | None:
    """Of a name in a log, such as `pr_random_5k3 recall`; None for names from elsewhere."""
    found = parse_score_title(name)
    return found[0].family if found else None


def _plot_metric(axes: "Axes", name: str, runs: Sequence[RunMetricCurves]) -> None:
    for color, run in zip(OKABE_ITO_COLORS, runs, strict=False):
        seen, values = zip(*run.curves[name], strict=True)
        thousands = [images / 1000 for images in seen]
        axes.plot(thousands, values, color=color, marker=".", label=run.name)
        if run.grown_at:
            axes.axvline(run.grown_at / 1000, color=color, linestyle="--", linewidth=1)
    axes.set(xlabel="thousand images seen by the discriminator", ylabel=name)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _history_notes(metrics: Sequence[str], runs: Sequence[RunMetricCurves]) -> str:
    families, notes = [_metric_family(name) for name in metrics], []
    if any("_random" in name for name in metrics):
        notes.append("Those by random features are not FID, nor LPIPS path lengths.")
    logs = "The logs share" if len(runs) > 1 else "The log has"
    if "ppl" not in families:
        notes.append(f"{logs} no path length (train --metrics pl2_random_wend_2k).")
    elif len(metrics) == 1:
        notes.append(f"{logs} no Fréchet distance (train --metrics fd_random_5k).")
    if any(run.grown_at for run in runs):
        notes.append(
            "A dashed vertical line marks where training has progressed to full resolution."
        )
    return "".join(f" {note}" for note in notes)


DEFAULT_W_SAMPLES = 1024
"""Random samples of w, as published."""
MAX_SNAPSHOTS = 16
"""Most snapshots of a run that are measured."""
W_BATCH_SIZE = 16


@paper_figure(
    "stylegan2-8",
    "Contribution of each resolution over training",
    "count label",
    "skip generator; a run's snapshots for the history",
)
def contributions_over_training(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 8: shares of the resolutions over the images seen; a bar chart of a single model.

    Raises:
        ModelError: If the network's image is no sum over resolutions.
    """
    config = model.generator.config
    if config.connection != "skip":
        raise model.missing_error(
            "a toRGB of each resolution whose images are summed",
            "skip generators have them (generator.connection=skip: stylegan2-e, stylegan2-f)",
        )
    count = model.count(DEFAULT_W_SAMPLES)
    snapshots = evenly_spaced(RunFolder(model.path).snapshots()[::-1], MAX_SNAPSHOTS)
    names = [format_image_size(config.size(level)) for level in range(config.levels)]
    what = (
        f"StyleGAN2, Figure 8. Contribution of each resolution to the output of {model.name}: "
        "relative standard deviations of the pixel values that each tRGB layer adds, measured "
        f"before upsampling, over {count} random w"
    )
    if len(snapshots) < 2:
        shares = _measure_contributions(model, model.generator, count)
        on_progress(1, 1)
        width = resolution_chart_width(len(names))
        chart = ChartPanel(lambda axes: _plot_bars(axes, names, shares), width=width)
        return FigureLayout(f"{what}.", [[chart]])
    rows = []
    for number, path in enumerate(snapshots, 1):
        rows.append(_measure_contributions(model, load(path, device=model.device.type), count))
        on_progress(number, len(snapshots))
    seen, shares = [int(path.stem) for path in snapshots], torch.stack(rows)
    chart = ChartPanel(lambda axes: _plot_areas(axes, names, seen, shares), width=640)
    return FigureLayout(f"{what}, at {len(snapshots)} snapshots of the run.", [[chart]])


@torch.no_grad()
def torgb_contributions(generator: Generator, w: Tensor) -> Tensor:
    """Shares of the resolutions in the image of a skip generator, which sum to 1: `(levels,)`.

    A share is the standard deviation of all pixel values that a toRGB gives for `w` `(N, D)`, about
    the mean of each color channel: its bias, which makes no image, has no part in it.
    """
    levels, channels = generator.config.levels, generator.config.image_channels
    numbers = torch.zeros(levels, dtype=torch.float64)
    sums = torch.zeros(2, levels, channels, dtype=torch.float64)
    for part in w.split(W_BATCH_SIZE):
        for state in generator.levels(generator.broadcast(part)):
            rgb = cast(Tensor, state.rgb)  # skip generators have one at every level
            pixels = rgb.cpu().double().transpose(0, 1).flatten(1)  # (channels, pixels)
            numbers[state.level] += pixels.shape[1]
            sums[0, state.level] += pixels.sum(dim=1)
            sums[1, state.level] += pixels.square().sum(dim=1)
    means, squares = sums / numbers[:, None]
    deviations = (squares - means.square()).clamp(min=0).mean(dim=1).sqrt()
    return deviations / deviations.sum()


def _measure_contributions(model: FigureInput, generator: Generator, count: int) -> Tensor:
    chosen = model.options.label
    label = None if chosen is None else generator.label_row(label_input(chosen))
    return torgb_contributions(generator, sample_w(generator, label, count=count))


def _plot_bars(axes: "Axes", names: list[str], shares: Tensor) -> None:
    bars = axes.bar(names, (100 * shares).tolist())
    axes.bar_label(bars, fmt="%.1f%%")
    axes.set(xlabel="resolution of tRGB", ylabel="contribution (%)")


def _plot_areas(axes: "Axes", names: list[str], images_seen: list[int], shares: Tensor) -> None:
    import matplotlib

    colors = matplotlib.colormaps["cividis"](torch.linspace(0, 1, len(names)).numpy())
    thousands = [images / 1000 for images in images_seen]
    axes.stackplot(thousands, (100 * shares.T).numpy(), labels=names, colors=colors)
    axes.set(xlim=(thousands[0], thousands[-1]), ylim=(0, 100), ylabel="contribution (%)")
    axes.set_xlabel("thousands of training images shown to the discriminator")
    place = axes.get_position()
    axes.set_position((place.x0, place.y0, place.width * 0.82, place.height))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True, frameon=False)
