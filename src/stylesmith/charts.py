"""Small line charts as SVG text, for reports: no script, no fonts, no library beyond the core.

Text and axes take the color of the surrounding page (`currentColor`), so that one chart serves
light and dark pages; lines use the palette of Okabe and Ito, which color-blind readers can tell
apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

ItemT = TypeVar("ItemT")

ChartPoint = tuple[float, float | None]
"""x and y; a y that is None or not finite is a gap in the line."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
BAND_COLOR = "#009E73"

_MARGIN_LEFT, _MARGIN_RIGHT, _MARGIN_BOTTOM = 58, 14, 42
_TITLE_Y, _LEGEND_ROW_HEIGHT = 18, 20
_CHARACTER_WIDTH = 6.8  # a generous mean width of a letter at 12 pixels, as SVG cannot measure text


@dataclass(frozen=True)
class ChartAxis:
    """One direction of a chart: the range of values, its ticks, and where they fall in pixels."""

    low: float
    high: float
    ticks: tuple[float, ...]
    start: float
    """Pixel of `low`."""
    end: float
    """Pixel of `high`."""
    log: bool = False

    def pixel(self, value: float) -> float:
        """Where a value falls; values outside the range fall on its border."""
        low, high, value = (_axis_value(v, self.log) for v in (self.low, self.high, value))
        return self.start + (min(max(value, low), high) - low) / (high - low) * (
            self.end - self.start
        )


def line_chart(
    series: Mapping[str, Sequence[ChartPoint]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    band: tuple[float, float] | None = None,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    log_y: bool = False,
    width: int = 640,
    height: int = 280,
) -> str:
    """Draw one line per series, as an SVG element to embed in a page.

    Args:
        series: Points of each line by its name, in order of x. A y that is None, not finite, or
            not positive on a logarithmic axis leaves a gap. Long lines are thinned out to what
            the width can show, extremes kept.
        title: Heading, and the name that screen readers say.
        x_label: What runs to the right, with its unit.
        y_label: What runs upward, with its unit.
        band: Lowest and highest y of a range to shade, such as the healthy one.
        x_range: Least range of the x axis; the data may widen it.
        y_range: Least range of the y axis; the data may widen it.
        log_y: Logarithmic y axis.
        width: In pixels.
        height: In pixels.

    Returns:
        The SVG text; a chart without any drawable point says that there is no data yet.
    """
    drawable = {name: _mark_gaps(points, log=log_y) for name, points in series.items()}
    legend, top = _legend_svg(list(series), width=width)
    body = _no_data_svg(width, height)
    if any(y is not None for points in drawable.values() for _, y in points):
        values = [y for points in drawable.values() for _, y in points if y is not None]
        for limits in (band, y_range):
            values += [y for y in limits or () if y > 0 or not log_y]
        positions = [x for points in drawable.values() for x, _ in points] + [*(x_range or ())]
        x_axis = linear_axis(
            positions, start=_MARGIN_LEFT, end=width - _MARGIN_RIGHT, count=6, snap=False
        )
        make_axis = log_axis if log_y else linear_axis
        y_axis = make_axis(values, start=height - _MARGIN_BOTTOM, end=top, count=5)
        body = _axes_svg(x_axis, y_axis, x_label=x_label, y_label=y_label)
        body = _band_svg(x_axis, y_axis, band) + body
        for points, color in zip(drawable.values(), _colors(len(drawable)), strict=True):
            body += _line_svg(decimate(points, buckets=width // 3), x_axis, y_axis, color)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="currentColor"><title>{escape(title)}</title><desc>{_description(series)}</desc>'
        f'<text x="0" y="{_TITLE_Y}" font-size="14" font-weight="600">{escape(title)}</text>'
        f"{legend}{body}</svg>"
    )


def decimate(points: Sequence[ChartPoint], *, buckets: int) -> list[ChartPoint]:
    """Thin out a long line: the lowest and the highest point of each bucket, and both ends.

    Points are kept in order. A bucket without any value stays a gap; a gap narrower than a bucket
    could not be seen and closes.
    """
    if len(points) <= 2 * buckets + 2:
        return list(points)
    kept = [points[0]]
    size = (len(points) - 2) / buckets
    for i in range(buckets):
        bucket = points[1 + int(i * size) : 1 + int((i + 1) * size)]
        present = [(y, x) for x, y in bucket if y is not None]
        extremes = {min(present)[::-1], max(present)[::-1]} if present else set()
        kept += sorted(extremes) or [(bucket[0][0], None)]
    return [*kept, points[-1]]


def evenly_spaced(items: Sequence[ItemT], max_count: int) -> list[ItemT]:
    """At most so many of the items, evenly spaced, the first and the last among them."""
    if len(items) <= max_count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (max_count - 1))] for i in range(max_count)]


def linear_axis(
    values: Sequence[float], *, start: float, end: float, count: int, snap: bool = True
) -> ChartAxis:
    """An axis over `values` with about `count` ticks at 1, 2 or 5 times a power of ten.

    `snap` widens the range to whole ticks; off, it ends with the data.
    """
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # one value: widen the range around it
        margin = abs(low) / 10 or 1.0
        low, high = low - margin, high + margin
    step = nice_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if snap:
        low, high = first * step, last * step
    tolerance = 1e-9 * step
    marks = [round(i * step, 12) for i in range(first, last + 1)]
    inside = tuple(mark for mark in marks if low - tolerance <= mark <= high + tolerance)
    return ChartAxis(low, high, inside, start, end)


def log_axis(values: Sequence[float], *, start: float, end: float, count: int) -> ChartAxis:
    """A logarithmic axis over positive `values`: whole decades, or 1-2-5 where there are few."""
    first = math.floor(math.log10(min(values)) + 1e-9)
    last = max(math.ceil(math.log10(max(values)) - 1e-9), first + 1)
    stride = math.ceil((last - first) / count)
    steps = (1, 2, 5) if last - first <= 2 else (1,)
    marks = [m * 10.0**e for e in range(first, last + 1, stride) for m in steps]
    low, high = 10.0**first, 10.0**last
    return ChartAxis(low, high, tuple(m for m in marks if m <= high), start, end, log=True)


def nice_step(step: float) -> float:
    """The least of 1, 2 or 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def format_tick(value: float) -> str:
    """A tick in few letters: `0.25`, `1,500`, `2M`, `1e-05`."""
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value / 1e6:g}M" if 1e6 <= abs(value) < 1e9 else f"{value:g}"
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _axis_value(value: float, log: bool) -> float:
    return math.log10(value) if log else value


def _mark_gaps(points: Sequence[ChartPoint], *, log: bool) -> list[ChartPoint]:
    def drawable(y: float | None) -> bool:
        return y is not None and math.isfinite(y) and (y > 0 or not log)

    return [(x, y if drawable(y) else None) for x, y in points if math.isfinite(x)]


def _colors(count: int) -> list[str]:
    return [PALETTE[i % len(PALETTE)] for i in range(count)]


def _description(series: Mapping[str, Sequence[ChartPoint]]) -> str:
    """What a reader who cannot see the chart most wants: where each line ends."""
    ends = []
    for name, points in series.items():
        values = [y for _, y in points if y is not None and math.isfinite(y)]
        ends.append(f"{name}: {f'last value {values[-1]:.4g}' if values else 'no data'}")
    return escape("; ".join(ends))


def _legend_svg(names: Sequence[str], *, width: int) -> tuple[str, int]:
    """Swatches and names in rows, and the y at which the plot may begin."""
    parts, x, y = [], 0.0, _TITLE_Y + _LEGEND_ROW_HEIGHT
    for name, color in zip(names, _colors(len(names)), strict=True):
        needed = 34 + _CHARACTER_WIDTH * len(name)
        if x > 0 and x + needed > width:
            x, y = 0.0, y + _LEGEND_ROW_HEIGHT
        parts.append(
            f'<path d="M{x:.0f} {y - 4}h16" stroke="{color}" stroke-width="3"/>'
            f'<text x="{x + 22:.0f}" y="{y}">{escape(name)}</text>'
        )
        x += needed
    return "".join(parts), y + 12


def _no_data_svg(width: int, height: int) -> str:
    return (
        f'<text x="{width / 2:.0f}" y="{height / 2:.0f}" text-anchor="middle" '
        f'opacity="0.7">No data yet</text>'
    )


def _band_svg(x_axis: ChartAxis, y_axis: ChartAxis, band: tuple[float, float] | None) -> str:
    if band is None:
        return ""
    bottom, top = sorted((y_axis.pixel(band[0]), y_axis.pixel(band[1])), reverse=True)
    return (
        f'<rect class="band" x="{x_axis.start:.0f}" y="{top:.1f}" '
        f'width="{x_axis.end - x_axis.start:.0f}" height="{bottom - top:.1f}" '
        f'fill="{BAND_COLOR}" fill-opacity="0.14"/>'
    )


def _axes_svg(x_axis: ChartAxis, y_axis: ChartAxis, *, x_label: str, y_label: str) -> str:
    """Grid lines, tick labels and axis labels."""
    left, right, bottom = x_axis.start, x_axis.end, y_axis.start
    parts = []
    for tick in y_axis.ticks:
        y = y_axis.pixel(tick)
        parts.append(f'<path d="M{left:.0f} {y:.1f}H{right:.0f}" stroke="currentColor" ')
        parts.append('stroke-opacity="0.15"/>')
        parts.append(f'<text x="{left - 7:.0f}" y="{y + 4:.1f}" text-anchor="end" ')
        parts.append(f'opacity="0.8">{format_tick(tick)}</text>')
    for tick in x_axis.ticks:
        x = x_axis.pixel(tick)
        parts.append(f'<path d="M{x:.1f} {bottom:.0f}v4" stroke="currentColor"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17:.0f}" text-anchor="middle" ')
        parts.append(f'opacity="0.8">{format_tick(tick)}</text>')
    parts.append(f'<path d="M{left:.0f} {bottom:.0f}H{right:.0f}" stroke="currentColor"/>')
    middle_x, middle_y = (left + right) / 2, (y_axis.start + y_axis.end) / 2
    parts.append(f'<text x="{middle_x:.0f}" y="{bottom + 35:.0f}" text-anchor="middle">')
    parts.append(f"{escape(x_label)}</text>")
    parts.append(f'<text transform="translate(10 {middle_y:.0f}) rotate(-90)" ')
    parts.append(f'text-anchor="middle">{escape(y_label)}</text>')
    return "".join(parts)


def _line_svg(
    points: Sequence[ChartPoint], x_axis: ChartAxis, y_axis: ChartAxis, color: str
) -> str:
    """One polyline per stretch between gaps; a stretch of one point is a dot."""
    stretches: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{x_axis.pixel(x):.1f},{y_axis.pixel(y):.1f}")
    parts = []
    for stretch in filter(None, stretches):
        if len(stretch) == 1:
            x_text, y_text = stretch[0].split(",")
            parts.append(f'<circle cx="{x_text}" cy="{y_text}" r="3" fill="{color}"/>')
        else:
            parts.append(
                f'<polyline points="{" ".join(stretch)}" fill="none" stroke="{color}" '
                f'stroke-width="1.8" stroke-linejoin="round"/>'
            )
    return "".join(parts)
