"""Quality and entanglement over a training, from the logs of runs (StyleGAN, Figure 9)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.drawing import OKABE_ITO_COLORS, ChartPanel, FigureLayout
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.metrics.protocol import parse_metric
from stylesmith.models import RunFolder
from stylesmith.training.advice import finite_number
from stylesmith.training.log import read_log

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


def training_history(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 9: two charts, one above the other, and a curve in each for each run."""
    subjects = [subject, *([subject.other()] if subject.options.other else [])]
    runs = [_read_run_curves(one) for one in subjects]
    on_progress(1, 1)
    names = shared_metrics(runs)
    if not names:
        kept = "; ".join(f"{run.name} has {', '.join(run.curves)}" for run in runs)
        raise UsageError(
            f"the logs of {' and '.join(run.name for run in runs)} share no Fréchet distance and "
            f"no path length: {kept}. Measure them alike: train with --metrics "
            "fd_random_5k,pl2_random_wend_2k"
        )
    charts = [[ChartPanel(_plot_metric(name, runs), name, width=760, height=300)] for name in names]
    return FigureLayout(_history_caption(names, runs), charts)


def read_metric_curves(run: RunFolder) -> MetricCurves:
    """Every metric that a run measured on its way, in the order of the log.

    Raises:
        ModelError: If the log is missing or damaged.
    """
    measured = [record for record in read_log(run.log) if record["event"] == "metrics"]
    scores = [(record["images_seen"], record.get("scores", {})) for record in measured]
    names = dict.fromkeys(name for _, values in scores for name in values)
    return {
        name: [(seen, _or_nan(finite_number(values.get(name)))) for seen, values in scores]
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


def _read_run_curves(subject: FigureInput) -> RunMetricCurves:
    scores = read_metric_curves(subject.run)
    if not any(_metric_family(name) in kind for name in scores for kind in METRIC_FAMILIES):
        raise ModelError(
            f"{subject.run.log}: has no Fréchet distance and no path length, which this figure "
            "shows; train with --metrics fd_random_5k,pl2_random_wend_2k --metrics-every KIMG"
        )
    config = subject.run.read_config()
    growth = config.training.growth
    grown = round(1000 * growth.grown_kimg(config.generator.levels)) if growth else None
    return RunMetricCurves(subject.name, scores, grown)


def _metric_family(name: str) -> str | None:
    """Of a name in a log, such as `pr_random_5k3 recall`; None for names from elsewhere."""
    try:
        return parse_metric(name.split()[0]).family
    except (UsageError, IndexError):
        return None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _plot_metric(name: str, runs: Sequence[RunMetricCurves]) -> Callable[["Axes"], None]:
    def plot(axes: "Axes") -> None:
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

    return plot


def _history_caption(names: Sequence[str], runs: Sequence[RunMetricCurves]) -> str:
    words = f"StyleGAN, Figure 9. {' and '.join(names)} over the course of training, of "
    words += f"{' and '.join(run.name for run in runs)}, from the logs; smaller is better."
    kinds = [_metric_family(name) for name in names]
    if any("_random" in name for name in names):
        words += " Those by random features are not FID, nor LPIPS path lengths."
    logs = "The logs share" if len(runs) > 1 else "The log has"
    if "ppl" not in kinds:
        words += f" {logs} no path length (train --metrics pl2_random_wend_2k)."
    elif len(names) == 1:
        words += f" {logs} no Fréchet distance (train --metrics fd_random_5k)."
    if any(run.grown_at for run in runs):
        words += " A dashed vertical line marks where training has progressed to full resolution."
    return words
