"""The content of a figure before it becomes a file: panels of images or charts, and their order."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
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
    """Equal images in rows and columns, with labels."""

    images: Tensor
    """`(rows, columns, C, H, W)`, -1..1; where all is NaN there is no image."""
    rows: Sequence[str] = ()
    """Labels left of each row."""
    columns: Sequence[str] = ()
    """Labels above each column."""
    title: str = ""
    text_below: str = ""
    """Text below, in one line."""
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


def arrange_in_rows(images: Tensor, columns: int | None = None) -> Tensor:
    """Images `(N, C, H, W)` to `(rows, columns, C, H, W)`; places that are left over are NaN."""
    columns = columns or choose_columns(len(images))
    rows = math.ceil(len(images) / columns)
    places = images.new_full((rows * columns, *images.shape[1:]), torch.nan)
    places[: len(images)] = images
    return places.unflatten(0, (rows, columns))


def choose_columns(count: int) -> int:
    """From a square to twice as wide as high: where the fewest places are left over."""
    widths = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2 * count)) + 1)
    return min(widths, key=lambda columns: (-count % columns, columns))


def columns_of_falling_size(
    images: Tensor, rows: int, lods: Sequence[int], *, side: int = 256
) -> Tensor:
    """Images side by side in columns of falling size, as StyleGAN shows uncurated samples.

    Small images are enlarged, so that the largest have about `side` pixels and the smallest ones
    still their own; large ones are averaged over areas.

    Args:
        images: `(N, C, H, W)`, of which column after column takes its share from top to bottom.
        rows: Of the columns of full size.
        lods: One per column: its images have 1 / 2**lod of the full side, and are 2**lod as many.
        side: Pixels that the shorter side should have at least, at full size.

    Returns:
        One image `(C, height, width)`.
    """
    assert len(images) == count_falling_size_images(rows, lods)
    doublings = max(0, math.ceil(math.log2(side / min(images.shape[-2:]))))
    columns, first = [], 0
    for lod in lods:
        count = rows << lod
        column = resize_by_doublings(images[first : first + count], doublings - lod)
        columns.append(torch.cat(column.unbind(), dim=1))
        first += count
    return torch.cat(columns, dim=2)


def count_falling_size_images(rows: int, lods: Sequence[int]) -> int:
    """How many images such columns hold."""
    return sum(rows << lod for lod in lods)


def resize_by_doublings(images: Tensor, doublings: int) -> Tensor:
    """Pixels repeated so many times over; averaged, where that is negative."""
    if doublings >= 0:
        return F.interpolate(images, scale_factor=2**doublings, mode="nearest-exact")
    return F.avg_pool2d(images, 2**-doublings)


ResolutionCurve = Mapping[str, float]
"""A value for each resolution, by its name, from the lowest."""


def resolution_chart(
    curves: Sequence[tuple[str, ResolutionCurve]],
    quantity: str,
    *,
    resolution_of: str = "feature maps",
    title: str = "",
    y_limits: tuple[float, float | None] = (0, None),
) -> ChartPanel:
    """One line for each name and its values.

    Args:
        curves: Names and values.
        quantity: What the vertical axis is.
        resolution_of: What has a resolution.
        title: Title of the chart.
        y_limits: Ends of the vertical axis.
    """

    def plot(axes: "Axes") -> None:
        for name, curve in curves:
            axes.plot(list(curve), list(curve.values()), marker="o", label=name)
        axes.set(xlabel=f"resolution of the {resolution_of}", ylabel=quantity)
        axes.set_ylim(*y_limits)
        if len(curves) > 1:
            axes.legend(frameon=False)

    return ChartPanel(
        plot, title, width=resolution_chart_width(max(len(curve) for _, curve in curves))
    )


def resolution_chart_width(levels: int) -> int:
    """Pixels of a chart with so many names of resolutions below it."""
    return max(560, 80 * levels + 90)
