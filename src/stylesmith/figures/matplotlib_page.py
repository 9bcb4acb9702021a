"""Write a figure layout as PNG, and as SVG too where it has charts.

Images are placed on exact pixels and enlarged by whole numbers, so that none is blurred.
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
from stylesmith.figures.panels import OKABE_ITO_COLORS, ChartPanel, FigureLayout, ImagePanel, Panel
from stylesmith.images import to_uint8

if TYPE_CHECKING:
    from matplotlib.figure import Figure


DPI = 100
MARGIN, PANEL_GAP, LINE_HEIGHT = 16, 24, 18
"""Pixels around the page, between panels, and of a line of text."""
LETTER_WIDTH = 7.2
"""A generous mean width of a letter in pixels, at the size of captions."""
IMAGE_GAP = 2
"""Pixels between images."""
MIN_IMAGE_SIDE, MAX_PANEL_WIDTH = 96, 1200
"""Pixels that a side of an image should have at least, and that panels have if they can."""
MAX_PAGE_PIXELS = 89_000_000
"""Pixels of a page; image viewers warn of larger ones."""
AXES_MARGINS = (66, 20, 14, 50)
"""Pixels left of, above, right of and below the axes of a chart, for their labels."""


def save_figure(layout: FigureLayout, path: Path) -> list[Path]:
    """Write `path`, a PNG, and beside it an SVG where there are axes; says what was written.

    Raises:
        UsageError: If matplotlib is not installed, or the page would be too large.
        OutputError: If a file cannot be written.
    """
    figure = build_page(layout)
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg")[: 1 + layout.has_axes]]
    with files.staging_folder(path.parent) as place:
        for target in written:
            files.write_bytes(place / target.name, _encode_figure(figure, target.suffix[1:]))
    return written


def build_page(layout: FigureLayout) -> "Figure":
    """A matplotlib figure with every panel in its place."""
    matplotlib_figure = _import_figure_class()
    sizes = [[panel_size(panel) for panel in row] for row in layout.panels]
    heights = [max(height for _, height in row) for row in sizes]
    widths = [sum(width for width, _ in row) + PANEL_GAP * (len(row) - 1) for row in sizes]
    width = max(*widths, 480) + 2 * MARGIN
    lines = textwrap.wrap(layout.caption, int((width - 2 * MARGIN) / LETTER_WIDTH))
    height = sum(heights) + PANEL_GAP * len(heights) + LINE_HEIGHT * len(lines) + MARGIN
    if width * height > MAX_PAGE_PIXELS:
        raise UsageError(
            f"the figure would have {width}x{height} pixels, more than {MAX_PAGE_PIXELS:,} in all; "
            "draw fewer images (--count, --seeds)"
        )
    figure = matplotlib_figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    canvas = _PixelCanvas(figure, width, height)
    top = MARGIN
    for row, row_sizes, row_height in zip(layout.panels, sizes, heights, strict=True):
        left = MARGIN
        for panel, (panel_width, _) in zip(row, row_sizes, strict=True):
            canvas.draw(panel, left, top)
            left += panel_width + PANEL_GAP
        top += row_height + PANEL_GAP
    for number, line in enumerate(lines):
        canvas.text(line, MARGIN, top + LINE_HEIGHT * number)
    return figure


def panel_size(panel: Panel) -> tuple[int, int]:
    """Width and height of a panel in pixels, labels included."""
    if isinstance(panel, ChartPanel):
        return panel.width, panel.height + _title_height(panel)
    height, width = tile_images(panel).shape[:2]
    left, top = _label_margins(panel)
    return left + width, top + height + (LINE_HEIGHT + 4 if panel.text_below else 0)


def tile_images(panel: ImagePanel) -> np.ndarray:
    """Its images side by side and enlarged, `(H, W, 4)` in 0..255; no image is transparent."""
    zoom = panel.zoom or _choose_zoom(panel.images)
    rows, columns, _, height, width = panel.images.shape
    tile = height * zoom + IMAGE_GAP, width * zoom + IMAGE_GAP
    page = np.zeros((rows * tile[0] - IMAGE_GAP, columns * tile[1] - IMAGE_GAP, 4), dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            image = panel.images[row, column]
            if image.isnan().all():
                continue
            pixels = to_rgba(image).repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
            top, left = row * tile[0], column * tile[1]
            page[top : top + height * zoom, left : left + width * zoom] = pixels.numpy()
    return page


def to_rgba(image: Tensor) -> Tensor:
    """`(C, H, W)` in -1..1 with one, three or four channels -> `(H, W, 4)` in 0..255."""
    pixels = to_uint8(image.detach().cpu())
    if len(pixels) == 1:
        pixels = pixels.expand(3, -1, -1)
    if len(pixels) == 3:
        pixels = torch.cat([pixels, torch.full_like(pixels[:1], 255)])
    return pixels.permute(1, 2, 0).contiguous()


class _PixelCanvas:
    """A matplotlib figure that is addressed in pixels from the upper left corner."""

    def __init__(self, figure: "Figure", width: int, height: int):
        self.figure, self.width, self.height = figure, width, height

    def text(
        self, text: str, left: float, top: float, *, size: int = 9, centered: bool = False
    ) -> None:
        vertical, horizontal = ("center", "center") if centered else ("top", "left")
        x, y = left / self.width, 1 - top / self.height
        self.figure.text(x, y, text, fontsize=size, va=vertical, ha=horizontal)

    def draw(self, panel: Panel, left: int, top: int) -> None:
        if panel.title:
            self.text(panel.title, left, top, size=10)
        if isinstance(panel, ChartPanel):
            self._chart(panel, left, top + _title_height(panel))
        else:
            self._images(panel, left, top)

    def _chart(self, panel: ChartPanel, left: int, top: int) -> None:
        before, above, after, below = AXES_MARGINS
        width, height = panel.width - before - after, panel.height - above - below
        axes = self.figure.add_axes(self._box(left + before, top + above, width, height))
        axes.set_prop_cycle(color=OKABE_ITO_COLORS)
        axes.spines[["top", "right"]].set_visible(False)
        panel.plot(axes)

    def _images(self, panel: ImagePanel, left: int, top: int) -> None:
        image = tile_images(panel)
        height, width = image.shape[:2]
        before, above = _label_margins(panel)
        rows, columns = panel.images.shape[:2]
        for number, label in enumerate(panel.columns):
            middle = left + before + (number + 0.5) * width / columns
            self.text(label, middle, top + above - LINE_HEIGHT / 2, centered=True)
        for number, label in enumerate(panel.rows):
            self.text(label, left, top + above + (number + 0.5) * height / rows - LINE_HEIGHT / 3)
        axes = self.figure.add_axes(self._box(left + before, top + above, width, height))
        axes.imshow(image, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        if panel.text_below:
            self.text(panel.text_below, left + before, top + above + height + 4)

    def _box(
        self, left: float, top: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """A rectangle in shares of the page, from its lower left corner."""
        bottom, w, h = self.height - top - height, self.width, self.height
        return left / w, bottom / h, width / w, height / h


def _choose_zoom(images: Tensor) -> int:
    """Zoom at which small images are seen well, if the page is wide enough."""
    columns, side = images.shape[1], min(images.shape[-2:])
    wanted = -(-MIN_IMAGE_SIDE // side)
    return max(1, min(wanted, MAX_PANEL_WIDTH // (columns * images.shape[-1])))


def _label_margins(panel: ImagePanel) -> tuple[int, int]:
    """Pixels left of the images and above them."""
    longest = max(map(len, panel.rows), default=0)
    left = int(longest * LETTER_WIDTH) + 8 if longest else 0
    return left, _title_height(panel) + (LINE_HEIGHT + 2 if any(panel.columns) else 0)


def _title_height(panel: Panel) -> int:
    return LINE_HEIGHT + 4 if panel.title else 0


def _encode_figure(figure: "Figure", kind: str) -> bytes:
    """The bytes of a file, the same for the same layout on the same machine."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "stylesmith", "svg.fonttype": "none"}):
        figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _import_figure_class() -> type["Figure"]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "figures need matplotlib, which is not installed: pip install 'stylesmith[figures]'"
        ) from None
    return Figure
