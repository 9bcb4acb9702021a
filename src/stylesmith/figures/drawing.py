"""What a figure is before it becomes a file: rows of panels, with pictures or with axes.

A figure's content can be looked at here, by tests and by programs; `page.py` lays it out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OKABE_ITO_COLORS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#000000",
)
"""The palette of Okabe and Ito, which color-blind readers can tell apart."""


@dataclass(frozen=True)
class ImagePanel:
    """Equal images in rows and columns, with words at their sides."""

    images: Tensor
    """`(rows, columns, C, H, W)`, -1..1; where all is NaN there is no image."""
    rows: Sequence[str] = ()
    """Words left of each row."""
    columns: Sequence[str] = ()
    """Words above each column."""
    title: str = ""
    text_below: str = ""
    """Words beneath, in one line."""
    zoom: int | None = None
    """Pixels of the page for each side of an image's pixel; None lets the page choose."""


@dataclass(frozen=True)
class ChartPanel:
    """One pair of axes."""

    plot: Callable[["Axes"], None]
    """Draws into axes, which it labels."""
    title: str = ""
    width: int = 560
    """Pixels, labels included."""
    height: int = 380


Panel = ImagePanel | ChartPanel


@dataclass(frozen=True)
class FigureLayout:
    """A whole figure."""

    caption: str
    """What is seen, from which model, with which numbers."""
    panels: Sequence[Sequence[Panel]]
    """Rows from top to bottom, each from left to right."""

    @property
    def has_axes(self) -> bool:
        """Whether anything on it is worth more as lines than as pixels."""
        return any(isinstance(panel, ChartPanel) for row in self.panels for panel in row)

    @property
    def image_panels(self) -> list[ImagePanel]:
        """The panels with images, in reading order."""
        return [panel for row in self.panels for panel in row if isinstance(panel, ImagePanel)]
