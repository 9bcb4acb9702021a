"""Images of the ladder's page: rows of samples cut from the grids of a run, and charts."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from stylesmith.charts import ChartPoint, evenly_spaced, line_chart
from stylesmith.models import RunFolder
from stylesmith.training.report_figures import PLOTS, Plot, sample_grids
from stylesmith.training.run_history import RunHistory, finite_number

CURVES = {"sign_real", "loss_g", "color_distance", "diversity"}
"""The first line of each chart that a row gets."""
MAX_WIDTH = 1024
"""Width in pixels that an image may fill."""
MOMENTS = 16
"""Most sample grids in a history."""
CHART_WIDTH, CHART_HEIGHT = 480, 280
LINES = 6
"""Most lines of a chart that compares rows: after these the colors would repeat."""
BACKGROUND, INK = "#ffffff", "#1d2127"
"""Of charts in files of their own, which take no colors from a page."""


def sample_rows(run_history: RunHistory, run: RunFolder, *, rows: int = 2) -> Image.Image | None:
    """The first seeds of the latest grid; None before there is one."""
    shown = sample_grids(run_history, run)
    return _rows_of(cut(shown[-1][1], run_history), rows) if shown else None


def real_rows(run_history: RunHistory, run: RunFolder, *, rows: int = 2) -> Image.Image | None:
    """As many real images."""
    path = run.real_samples
    return _rows_of(cut(path, run_history), rows) if path.is_file() else None


def history(
    run_history: RunHistory, run: RunFolder, *, seeds: int = 3
) -> tuple[Image.Image | None, list[float]]:
    """The first seeds over time, a column per moment; and the thousands of images at each."""
    shown = evenly_spaced(sample_grids(run_history, run), MOMENTS)
    if len(shown) < 2:
        return None, []
    columns = [cut(path, run_history)[:seeds] for _, path in shown]
    tiles = [column[i] for i in range(len(columns[0])) for column in columns]
    return tile_images(tiles, columns=len(columns)), [seen / 1000 for seen, _ in shown]


def cut(path: Path, run_history: RunHistory) -> list[Image.Image]:
    """The images of a grid, in the order of their seeds."""
    count = run_history.config.output.grid_images
    columns = math.ceil(math.sqrt(count))
    with Image.open(path) as opened:
        grid = opened.convert("RGB")
    width, height = grid.width // columns, grid.height // math.ceil(count / columns)
    corners = [(i % columns * width, i // columns * height) for i in range(count)]
    return [grid.crop((x, y, x + width, y + height)) for x, y in corners]


def tile_images(tiles: Sequence[Image.Image], *, columns: int) -> Image.Image:
    """Tiles side by side; small ones are enlarged by whole pixels, wide grids reduced."""
    width, height = tiles[0].size
    zoom = max(1, 64 // max(width, height))
    rows = math.ceil(len(tiles) / columns)
    image = Image.new("RGB", (columns * width, rows * height), BACKGROUND)
    for i, tile in enumerate(tiles):
        image.paste(tile, (i % columns * width, i // columns * height))
    image = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
    image.thumbnail((MAX_WIDTH, 4 * MAX_WIDTH), Image.Resampling.LANCZOS)
    return image


def encode(image: Image.Image, *, budget: int) -> tuple[bytes, str]:
    """The bytes of a file and its suffix: PNG where the budget allows, else JPEG that fits.

    An image that no quality makes small enough is reduced.
    """
    content = _save(image, "PNG", optimize=True)
    if len(content) <= budget:
        return content, ".png"
    while True:
        for quality in (90, 80, 65):
            content = _save(image, "JPEG", quality=quality, optimize=True)
            if len(content) <= budget or max(image.size) <= 16:
                return content, ".jpg"
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def row_charts(run_history: RunHistory) -> list[str]:
    """Losses, score signs, color distance and diversity of one row, as far as it has them."""
    chosen = [plot for plot in PLOTS if next(iter(plot.lines)) in CURVES]
    drawn = [
        (plot, {n: points(run_history, key, plot) for key, n in plot.lines.items()})
        for plot in chosen
    ]
    return [chart(plot, _not_empty(lines)) for plot, lines in drawn if _not_empty(lines)]


def comparisons(histories: Mapping[str, RunHistory]) -> list[str]:
    """Color distance and diversity of several rows in one chart each, a few rows at a time."""
    names = list(histories)
    charts = []
    for first in range(0, len(names), LINES):
        for plot in [plot for plot in PLOTS if plot.event == "samples"]:
            key = next(iter(plot.lines))
            lines = {n: points(histories[n], key, plot) for n in names[first : first + LINES]}
            charts += [chart(plot, _not_empty(lines))] if _not_empty(lines) else []
    return charts


def points(run_history: RunHistory, key: str, plot: Plot) -> list[ChartPoint]:
    """One field of the log over thousands of images."""
    return [
        (r["images_seen"] / 1000, finite_number(r.get(key))) for r in run_history.curve(plot.event)
    ]


def chart(plot: Plot, lines: Mapping[str, Sequence[ChartPoint]]) -> str:
    """A chart as the report of a run draws it, over the whole length."""
    return line_chart(
        lines,
        title=plot.title,
        x_label="thousand images",
        y_label=plot.y_label,
        band=plot.band,
        x_range=(0.0, 0.0),
        y_range=plot.y_range,
        log_y=plot.log_y,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
    )


def mosaic(charts: Sequence[str], *, columns: int = 2, gap: int = 16) -> bytes:
    """Charts side by side in one SVG file that reads alike on light and dark pages."""
    columns = min(columns, len(charts))
    width = columns * (CHART_WIDTH + gap) + gap
    height = math.ceil(len(charts) / columns) * (CHART_HEIGHT + gap) + gap
    placed = []
    for i, text in enumerate(charts):
        x = gap + i % columns * (CHART_WIDTH + gap)
        y = gap + i // columns * (CHART_HEIGHT + gap)
        placed.append(text.replace("<svg ", f'<svg x="{x}" y="{y}" ', 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" color="{INK}"><rect width="{width}" height="{height}" '
        f'fill="{BACKGROUND}"/>{"".join(placed)}</svg>\n'
    ).encode()


def _rows_of(tiles: Sequence[Image.Image], rows: int) -> Image.Image:
    """As many whole tiles as the width of a grid holds well, in so many rows."""
    side = max(64, min(256, tiles[0].width))
    columns = min(MAX_WIDTH // side, math.ceil(len(tiles) / rows))
    return tile_images(tiles[: rows * columns], columns=columns)


def _not_empty(lines: Mapping[str, Sequence[ChartPoint]]) -> dict[str, Sequence[ChartPoint]]:
    return {name: line for name, line in lines.items() if any(y is not None for _, y in line)}


def _save(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
