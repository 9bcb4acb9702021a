"""Quantities over the training of a run: metrics, and contributions of the toRGB layers.

Source: StyleGAN, Figure 9; StyleGAN2, Figure 8.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback
from stylesmith.charts import evenly_spaced
from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.activations import capture_outputs, synthesis_blocks
from stylesmith.figures.figure_input import FigureInput
from stylesmith.figures.panels import (
    OKABE_ITO_COLORS,
    ChartPanel,
    FigureLayout,
    resolution_chart_width,
)
from stylesmith.metrics.protocol import parse_metric
from stylesmith.models import RunFolder, load
from stylesmith.networks import Generator
from stylesmith.networks.stylegan2 import SkipBlock
from stylesmith.sampling import sample_w
from stylesmith.training.log import read_log
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


DEFAULT_W_SAMPLES = 1024
"""Random samples of w, as published."""
MAX_SNAPSHOTS = 16
"""Most snapshots of a run that are measured."""
W_BATCH_SIZE = 16


def contributions_over_training(
    subject: FigureInput, on_progress: ProgressCallback
) -> FigureLayout:
    """Figure 8: shares of the resolutions over the images seen; a bar chart of a single model.

    Raises:
        ModelError: If the network's image is no sum over resolutions.
    """
    config = subject.generator.config
    if config.connection != "skip":
        raise subject.missing_error(
            "a toRGB of each resolution whose images are summed",
            "skip generators have them (generator.connection=skip: stylegan2-e, stylegan2-f)",
        )
    count = subject.options.count or DEFAULT_W_SAMPLES
    history = evenly_spaced(RunFolder(subject.path).snapshots()[::-1], MAX_SNAPSHOTS)
    names = [f"{width}x{height}" for height, width in map(config.size, range(config.levels))]
    what = (
        f"StyleGAN2, Figure 8. Contribution of each resolution to the output of {subject.name}: "
        "relative standard deviations of the pixel values that each tRGB layer adds, measured "
        f"before upsampling, over {count} random w"
    )
    if len(history) < 2:
        shares = _measure_contributions(subject, subject.generator, count)
        on_progress(1, 1)
        width = resolution_chart_width(len(names))
        return FigureLayout(
            f"{what}.", [[ChartPanel(lambda axes: _plot_bars(axes, names, shares), width=width)]]
        )
    rows = []
    for number, path in enumerate(history, 1):
        rows.append(_measure_contributions(subject, load(path, device=subject.device.type), count))
        on_progress(number, len(history))
    images_seen = [int(path.stem) for path in history]
    caption = f"{what}, at {len(history)} snapshots of the run."
    chart = ChartPanel(
        lambda axes: _plot_areas(axes, names, images_seen, torch.stack(rows)), width=640
    )
    return FigureLayout(caption, [[chart]])


@torch.no_grad()
def torgb_contributions(generator: Generator, w: Tensor) -> Tensor:
    """Shares of the resolutions in the image of a skip generator, which sum to 1: `(levels,)`.

    A share is the standard deviation of all pixel values that a toRGB gives for `w` `(N, D)`, about
    the mean of each color channel: its bias, which makes no picture, has no part in it.
    """
    blocks = synthesis_blocks(generator)
    layers = [block.to_rgb for block in blocks if isinstance(block, SkipBlock)]
    numbers = torch.zeros(len(layers), dtype=torch.float64)
    sums = torch.zeros(2, len(layers), generator.config.image_channels, dtype=torch.float64)
    for part in w.split(W_BATCH_SIZE):
        with capture_outputs(layers) as images:
            generator.draw(generator.broadcast(part))
        for level, image in enumerate(images):
            pixels = image.cpu().double().transpose(0, 1).flatten(1)  # (channels, pixels)
            numbers[level] += pixels.shape[1]
            sums[0, level] += pixels.sum(dim=1)
            sums[1, level] += pixels.square().sum(dim=1)
    means, squares = sums / numbers[:, None]
    deviations = (squares - means.square()).clamp(min=0).mean(dim=1).sqrt()
    return deviations / deviations.sum()


def _measure_contributions(subject: FigureInput, generator: Generator, count: int) -> Tensor:
    number = subject.options.label
    label = None if number is None else generator.label_row(number)
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
