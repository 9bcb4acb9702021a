"""From a drawing to files: PNG always, and SVG beside it where there are axes.

Images are placed in exact pixels and enlarged by whole numbers, so that none is blurred.
"""

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from stylesmith import files
from stylesmith.errors import UsageError
from stylesmith.figures.drawing import COLORS, Chart, Drawing, Panel, Pictures
from stylesmith.images import to_uint8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
MARGIN, GAP, LINE = 16, 24, 18
"""Pixels around the page, between panels, and of a line of words."""
LETTER = 7.2
"""A generous mean width of a letter in pixels, at the size of captions."""
SEAM = 2
"""Pixels between images."""
SMALLEST, WIDEST = 96, 1200
"""Pixels that a side of an image should have at least, and that panels have if they can."""
LARGEST = 89_000_000
"""Pixels of a page; image viewers warn of larger ones."""
AXES = (66, 20, 14, 50)
"""Pixels left of, above, right of and below the axes of a chart, for their labels."""


def save_drawing(drawing: Drawing, path: Path) -> list[Path]:
    """Write `path`, a PNG, and beside it an SVG where there are axes; says what was written.

    Raises:
        UsageError: If matplotlib is not installed, or the page would be too large.
        OutputError: If a file cannot be written.
    """
    figure = lay_out(drawing)
    written = []
    for suffix in (".png", ".svg") if drawing.has_axes else (".png",):
        target = path.with_suffix(suffix)
        files.write_bytes(target, _render(figure, suffix[1:]))
        written.append(target)
    return written


def lay_out(drawing: Drawing) -> "Figure":
    """A matplotlib figure with every panel in its place."""
    matplotlib_figure = _matplotlib()
    sizes = [[panel_size(panel) for panel in row] for row in drawing.panels]
    heights = [max(height for _, height in row) for row in sizes]
    widths = [sum(width for width, _ in row) + GAP * (len(row) - 1) for row in sizes]
    width = max(*widths, 480) + 2 * MARGIN
    words = textwrap.wrap(drawing.caption, int((width - 2 * MARGIN) / LETTER))
    height = sum(heights) + GAP * len(heights) + LINE * len(words) + MARGIN
    if width * height > LARGEST:
        raise UsageError(
            f"the figure would have {width}x{height} pixels, more than {LARGEST:,} in all; "
            "draw fewer images (--count, --seeds)"
        )
    figure = matplotlib_figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    canvas = _Canvas(figure, width, height)
    top = MARGIN
    for row, row_sizes, row_height in zip(drawing.panels, sizes, heights, strict=True):
        left = MARGIN
        for panel, (panel_width, _) in zip(row, row_sizes, strict=True):
            canvas.draw(panel, left, top)
            left += panel_width + GAP
        top += row_height + GAP
    for number, line in enumerate(words):
        canvas.text(line, MARGIN, top + LINE * number)
    return figure


def panel_size(panel: Panel) -> tuple[int, int]:
    """Width and height of a panel in pixels, words included."""
    if isinstance(panel, Chart):
        return panel.width, panel.height + _title_height(panel)
    height, width = collage(panel).shape[:2]
    left, top = _label_space(panel)
    return left + width, top + height + (LINE + 4 if panel.text_below else 0)


def collage(panel: Pictures) -> np.ndarray:
    """Its images side by side and enlarged, `(H, W, 4)` in 0..255; no image is transparent."""
    zoom = panel.zoom or _zoom(panel.images)
    rows, columns, _, height, width = panel.images.shape
    tile = height * zoom + SEAM, width * zoom + SEAM
    page = np.zeros((rows * tile[0] - SEAM, columns * tile[1] - SEAM, 4), dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            image = panel.images[row, column]
            if image.isnan().all():
                continue
            pixels = rgba(image).repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
            top, left = row * tile[0], column * tile[1]
            page[top : top + height * zoom, left : left + width * zoom] = pixels.numpy()
    return page


def rgba(image: Tensor) -> Tensor:
    """`(C, H, W)` in -1..1 with one, three or four channels -> `(H, W, 4)` in 0..255."""
    pixels = to_uint8(image.detach().cpu())
    if len(pixels) == 1:
        pixels = pixels.expand(3, -1, -1)
    if len(pixels) == 3:
        pixels = torch.cat([pixels, torch.full_like(pixels[:1], 255)])
    return pixels.permute(1, 2, 0).contiguous()


class _Canvas:
    """A matplotlib figure that is addressed in pixels from the upper left corner."""

    def __init__(self, figure: "Figure", width: int, height: int):
        self.figure, self.width, self.height = figure, width, height

    def text(
        self, text: str, left: float, top: float, *, size: int = 9, centered: bool = False
    ) -> None:
        self.figure.text(
            left / self.width,
            1 - top / self.height,
            text,
            fontsize=size,
            va="center" if centered else "top",
            ha="center" if centered else "left",
        )

    def draw(self, panel: Panel, left: int, top: int) -> None:
        if panel.title:
            self.text(panel.title, left, top, size=10)
        if isinstance(panel, Chart):
            self._chart(panel, left, top + _title_height(panel))
        else:
            self._pictures(panel, left, top)

    def _chart(self, panel: Chart, left: int, top: int) -> None:
        before, above, after, below = AXES
        width, height = panel.width - before - after, panel.height - above - below
        axes = self.figure.add_axes(self._box(left + before, top + above, width, height))
        axes.set_prop_cycle(color=COLORS)
        axes.spines[["top", "right"]].set_visible(False)
        panel.plot(axes)

    def _pictures(self, panel: Pictures, left: int, top: int) -> None:
        image = collage(panel)
        height, width = image.shape[:2]
        before, above = _label_space(panel)
        rows, columns = panel.images.shape[:2]
        for number, word in enumerate(panel.columns):
            middle = left + before + (number + 0.5) * width / columns
            self.text(word, middle, top + above - LINE / 2, centered=True)
        for number, word in enumerate(panel.rows):
            self.text(word, left, top + above + (number + 0.5) * height / rows - LINE / 3)
        axes = self.figure.add_axes(self._box(left + before, top + above, width, height))
        axes.imshow(image, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        if panel.text_below:
            self.text(panel.text_below, left + before, top + above + height + 4)

    def _box(
        self, left: float, top: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        bottom = self.height - top - height
        return (
            left / self.width,
            bottom / self.height,
            width / self.width,
            height / self.height,
        )


def _zoom(images: Tensor) -> int:
    """As large as is comfortable to look at, and as the page is wide."""
    columns, side = images.shape[1], min(images.shape[-2:])
    wanted = -(-SMALLEST // side)
    return max(1, min(wanted, WIDEST // (columns * images.shape[-1])))


def _label_space(panel: Pictures) -> tuple[int, int]:
    """Pixels left of the images and above them."""
    longest = max((len(word) for word in panel.rows), default=0)
    left = int(longest * LETTER) + 8 if longest else 0
    return left, _title_height(panel) + (LINE + 2 if any(panel.columns) else 0)


def _title_height(panel: Panel) -> int:
    return LINE + 4 if panel.title else 0


def _render(figure: "Figure", kind: str) -> bytes:
    """The bytes of a file, the same for the same drawing on the same machine."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "stylesmith", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _matplotlib() -> type["Figure"]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "figures need matplotlib, which is not installed: pip install 'stylesmith[figures]'"
        ) from None
    return Figure
