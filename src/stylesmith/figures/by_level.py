"""Charts over the resolutions inside a network, a line for each model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stylesmith.figures.drawing import ChartPanel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
        title: Words above.
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
