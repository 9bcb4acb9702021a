"""Figures of a run's report: line charts of the log, and sample grids of bounded size."""

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from stylesmith.augment.controller import LEAK_BOUND
from stylesmith.charts import ChartPoint, evenly_spaced, line_chart
from stylesmith.formatting import format_image_count
from stylesmith.models import RunFolder
from stylesmith.training.log import LogRecord
from stylesmith.training.run_history import (
    HEALTHY_SIGNS,
    LOW_DIVERSITY,
    RunHistory,
    finite_number,
)


@dataclass(frozen=True)
class Plot:
    """One chart of the log: which fields of which event, under which names, with which caption."""

    title: str
    y_label: str
    lines: Mapping[str, str]
    """Name of each line by its field in the log."""
    caption: str
    event: str = "progress"
    sparse: bool = False
    """Whether not every record measures it: null or 0 there is no gap in the line."""
    band: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_y: bool = False


PLOTS = (
    Plot(
        "Score signs",
        "share right",
        {
            "sign_real": "reals scored positive",
            "sign_fake": "fakes scored negative",
            "sign_held_out": "held-out reals scored positive",
        },
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
        "score",
        {"score_real": "reals", "score_fake": "fakes", "score_held_out": "held-out reals"},
        "Mean output of the discriminator: above 0 it takes an image for real. A gap that only "
        "widens means that it is winning. It overfits where held-out reals score like fakes.",
    ),
    Plot(
        "Overfitting",
        "signal",
        {"r_v": "r_v, by held-out images", "r_t": "r_t, by training images"},
        "r_v is 0 where held-out images score as training images, and 1 where they score as "
        "generated ones. r_t is the mean sign of the scores of training images.",
    ),
    Plot(
        "Augmentation",
        "strength p",
        {"augment_p": "chance of each transformation"},
        f"Above {LEAK_BOUND:g} augmentations begin to show in the samples.",
        y_range=(0.0, 1.0),
    ),
    Plot(
        "Distance of color moments",
        "distance",
        {"color_distance": "samples to data"},
        "How far the colors of the samples are from those of the data, by mean and standard "
        "deviation of each channel; 0 is equal.",
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
        "Penalties of both networks, on a logarithmic scale. R1 and WGAN-GP keep the "
        "discriminator's output smooth around real images, path length that of the generator.",
        sparse=True,
        log_y=True,
    ),
    Plot(
        "Path length",
        "length",
        {"path_mean": "running mean"},
        "How far the image moves for a step in w. It settles as the generator evens out.",
        sparse=True,
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
    """Charts of everything that the log holds, as HTML."""
    figures = "".join(_plot_figure(plot, history) for plot in [*_metric_plots(history), *PLOTS])
    shown = figures or '<p class="soft">No progress has been recorded yet.</p>'
    return f'<h2>Curves</h2><div class="charts">{shown}</div>'


def _metric_plots(history: RunHistory) -> list[Plot]:
    """A plot for each metric that was taken on the way."""
    compared = "the held-out" if history.config.data.hold_out else "the training"
    names = dict.fromkeys(
        name for record in history.curve("metrics") for name in record.get("scores", {})
    )
    return [
        Plot(
            name,
            "value",
            {name: "averaged generator"},
            f"Measured on the way against {compared} images.",
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
    return [point for point in points if point[1] or not plot.sparse]


MAX_HISTORY_GRIDS = 8
"""Most sample grids shown over time."""

_MAX_GRID_BYTES, _MAX_HISTORY_BYTES = 800_000, 130_000  # 2 and 8 of them, in base64: 3.5 MB
_MAX_GRID_PIXELS, _MAX_HISTORY_PIXELS = 1280, 440
_CROP_IMAGES = 4  # rows and columns of a grid over time
_MIN_SMOOTH_PIXELS = 520  # images narrower than this are enlarged without smoothing


def samples_section(history: RunHistory, run: RunFolder) -> str:
    """The latest samples beside real images."""
    shown = [
        (path, f"Samples after {format_image_count(seen)} images")
        for seen, path in sample_grids(history, run)[-1:]
    ]
    note = "" if shown else '<p class="soft">No samples have been drawn yet.</p>'
    if run.real_samples.exists():
        shown.append((run.real_samples, "Real images, for comparison"))
    figures = [
        _image_figure(path, caption, _MAX_GRID_PIXELS, _MAX_GRID_BYTES) for path, caption in shown
    ]
    return f'<h2>Samples</h2>{note}<div class="pair">{"".join(figures)}</div>'


def history_section(history: RunHistory, run: RunFolder) -> str:
    """A corner of the sample grids, evenly spaced in time."""
    grids = evenly_spaced(sample_grids(history, run), MAX_HISTORY_GRIDS)
    if len(grids) < 2:
        return ""
    height, width = (_CROP_IMAGES * pixels for pixels in history.config.data.size)
    figures = [
        _image_figure(
            path,
            f"{format_image_count(seen)} images",
            _MAX_HISTORY_PIXELS,
            _MAX_HISTORY_BYTES,
            crop=(height, width),
        )
        for seen, path in grids
    ]
    return f'<h2>Samples over time</h2><div class="history">{"".join(figures)}</div>'


def sample_grids(history: RunHistory, run: RunFolder) -> list[tuple[int, Path]]:
    """Sample grids that exist, with the images seen when they were drawn, the oldest first."""
    counts = [record["images_seen"] for record in history.curve("samples")]
    return [(count, run.samples(count)) for count in counts if run.samples(count).is_file()]


def _image_figure(
    path: Path,
    caption: str,
    max_pixels: int,
    max_bytes: int,
    *,
    crop: tuple[int, int] | None = None,
) -> str:
    """A figure with the image inside; one that cannot be read is a line of text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we wrote it
            with Image.open(path) as opened:
                image = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError):
        note = f"{path.name} cannot be shown: it is damaged or too large."
        return f"<figure><figcaption>{escape(note)}</figcaption></figure>"
    if crop and image.height % crop[0] == 0 and image.width % crop[1] == 0:
        image = image.crop((0, 0, crop[1], crop[0]))
    uri, width, height = embed_image(image, max_pixels=max_pixels, max_bytes=max_bytes)
    zoom = max(1, _MIN_SMOOTH_PIXELS // width)
    kind = ' class="pixels"' if image.width == width < _MIN_SMOOTH_PIXELS else ""
    return (
        f'<figure><img{kind} src="{uri}" width="{width * zoom}" height="{height * zoom}" '
        f'alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def embed_image(image: Image.Image, *, max_pixels: int, max_bytes: int) -> tuple[str, int, int]:
    """An image as a data URI of at most `max_bytes` before base64, and its width and height.

    It is reduced to `max_pixels`. One that needs no reduction stays PNG if that is small enough;
    any other becomes WebP, and shrinks until it fits.
    """
    kind = "PNG" if max(image.size) <= max_pixels else "WEBP"
    image = image.copy()
    image.thumbnail((max_pixels, max_pixels), Image.Resampling.LANCZOS)
    content = _encode_image(image, kind)
    while len(content) > max_bytes and max(image.size) > 16:
        if kind == "WEBP":
            image.thumbnail((image.width * 4 // 5, image.height * 4 // 5))
        kind = "WEBP"
        content = _encode_image(image, kind)
    text = base64.b64encode(content).decode()
    return f"data:image/{kind.lower()};base64,{text}", image.width, image.height


def _encode_image(image: Image.Image, kind: str) -> bytes:
    options = {"optimize": True} if kind == "PNG" else {"quality": 88}
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
