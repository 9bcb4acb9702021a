"""The charts of a report: which curves are drawn, and how to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from stylesmith.charts import ChartPoint, line_chart
from stylesmith.training.advice import (
    HEALTHY_SIGNS,
    LOW_DIVERSITY,
    LogRecord,
    RunHistory,
    finite_number,
)


@dataclass(frozen=True)
class Plot:
    """One chart: which fields of which event, under which names, and what they mean."""

    title: str
    y_label: str
    lines: Mapping[str, str]
    """Name of each line by its field in the log."""
    caption: str
    event: str = "progress"
    sparse_fields: frozenset[str] = field(default_factory=frozenset)
    """Fields that not every record measures: null or 0 there is no gap in the line."""
    band: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_y: bool = False


PLOTS = (
    Plot(
        "Score signs",
        "share right",
        {"sign_real": "reals scored positive", "sign_fake": "fakes scored negative"},
        "How often the discriminator is right. In the shaded range "
        f"({HEALTHY_SIGNS[0]:g} to {HEALTHY_SIGNS[1]:g}) it is ahead and still learns; "
        "at 1 it has won, 0.5 is chance.",
        band=HEALTHY_SIGNS,
        y_range=(0.0, 1.0),
    ),
    Plot(
        "Losses",
        "loss",
        {"loss_g": "generator", "loss_d": "discriminator"},
        "Losses without regularization. With the logistic loss the discriminator's begins at "
        "2 ln 2 = 1.39 and should neither stay there nor go to 0.",
    ),
    Plot(
        "Scores",
        "logit",
        {"score_real": "reals", "score_fake": "fakes"},
        "Mean output of the discriminator. A gap that only widens means that it is winning.",
    ),
    Plot(
        "Distance of color moments",
        "distance",
        {"color_distance": "samples to data"},
        "How far the colors of the samples are from those of the data; 0 is equal.",
        event="samples",
        y_range=(0.0, 0.0),
    ),
    Plot(
        "Diversity",
        "relative to data",
        {"diversity": "samples"},
        "Mean distance between samples. 1 is as varied as the data; "
        f"below {LOW_DIVERSITY:g} the samples are much alike.",
        event="samples",
        y_range=(0.0, 1.0),
    ),
    Plot(
        "Regularization",
        "penalty",
        {"r1": "R1", "wgan_penalty": "WGAN-GP", "path_penalty": "path length"},
        "Penalties of both networks, on a logarithmic scale.",
        sparse_fields=frozenset({"r1", "wgan_penalty", "path_penalty"}),
        log_y=True,
    ),
    Plot(
        "Path length",
        "length",
        {"path_mean": "running mean"},
        "How far the image moves for a step in w. It settles as the generator evens out.",
        sparse_fields=frozenset({"path_mean"}),
    ),
    Plot(
        "Speed",
        "images a second",
        {"img_per_sec": "speed"},
        "Dips are checkpoints, sample grids, or a machine that was shared.",
        y_range=(0.0, 0.0),
    ),
)


def curves_section(history: RunHistory) -> str:
    """A chart of everything that the log holds, as HTML."""
    figures = "".join(_plot_figure(plot, history) for plot in [*_metric_plots(history), *PLOTS])
    shown = figures or '<p class="soft">No progress has been recorded yet.</p>'
    return f'<h2>Curves</h2><div class="charts">{shown}</div>'


def _metric_plots(history: RunHistory) -> list[Plot]:
    """A plot for each metric that was taken on the way."""
    names = dict.fromkeys(
        name for record in history.curve("metrics") for name in record.get("scores", {})
    )
    return [
        Plot(
            name,
            "value",
            {name: "averaged generator"},
            "Measured on the way against the training images.",
            event="metrics",
            y_range=(0.0, 0.0),
        )
        for name in names
    ]


def _plot_figure(plot: Plot, history: RunHistory) -> str:
    """A chart with its caption; nothing if it would be empty."""
    records = history.curve(plot.event)
    lines = {name: _plot_points(records, key, plot) for key, name in plot.lines.items()}
    series = {name: line for name, line in lines.items() if any(y is not None for _, y in line)}
    if not series:
        return ""
    drawing = line_chart(
        series,
        title=plot.title,
        x_label="thousand images",
        y_label=plot.y_label,
        band=plot.band,
        x_range=(0.0, history.images_seen / 1000),
        y_range=plot.y_range,
        log_y=plot.log_y,
        width=480,
    )
    return f'<figure class="card">{drawing}<figcaption>{escape(plot.caption)}</figcaption></figure>'


def _plot_points(records: Sequence[LogRecord], key: str, plot: Plot) -> list[ChartPoint]:
    points = [
        (record["images_seen"] / 1000, finite_number(record.get("scores", record).get(key)))
        for record in records
    ]
    return [point for point in points if point[1] or key not in plot.sparse_fields]
