"""Why W can be less entangled than Z, by a real experiment (StyleGAN, Figure 6)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stylesmith.figures.drawing import OKABE_ITO_COLORS, ChartPanel, FigureLayout
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.figures.warping_experiment import (
    LATENT_DISC_RADIUS,
    TRAINING_STEPS,
    PointGenerator,
    measure_point_path_lengths,
    sample_training_points,
    sample_z,
    train_point_generator,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_PATH_PAIRS = 10_000
"""Of path lengths."""
SHOWN_POINTS = 2000
"""Of the training set that are shown."""
GRID_LINES, POINTS_PER_LINE = 17, 240
"""Of a grid each way, and points of each line."""
MAX_DISTANCE_TO_SAMPLES = 0.1
"""A point of W belongs to it if features of a sampled w are as near, once W is made flat."""
PANEL_WIDTH, PANEL_HEIGHT = 386, 364
"""Of a panel, whose axes are then square."""


def latent_space_warping(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 6, of a GAN trained on the spot; it needs no model."""
    trained = train_point_generator(on_progress=on_progress)
    pairs = subject.options.count or DEFAULT_PATH_PAIRS
    lengths = measure_point_path_lengths(trained, pairs)
    points = sample_training_points(SHOWN_POINTS, torch.Generator().manual_seed(0))
    panels = [
        ChartPanel(
            _plot_points(points), "(a) Features in the training set", PANEL_WIDTH, PANEL_HEIGHT
        ),
        ChartPanel(
            _plot_grid(z_grid(trained), points),
            f"(b) From Z to features: path length {lengths.z:.2f}",
            PANEL_WIDTH,
            PANEL_HEIGHT,
        ),
        ChartPanel(
            _plot_grid(w_grid(trained), points),
            f"(c) From W to features: path length {lengths.w:.2f}",
            PANEL_WIDTH,
            PANEL_HEIGHT,
        ),
    ]
    caption = (
        "StyleGAN, Figure 6. Two factors of variation, such as masculinity and hair length. (a) A "
        "training set where one combination is missing. (b) This forces the mapping from Z, here a "
        "disc, to features to be curved, so that the forbidden combination disappears in Z. (c) "
        "The learned mapping from Z to W undoes much of the warping. Not a sketch but measured: a "
        f"GAN of points, trained for {TRAINING_STEPS} steps with the logistic loss and R1; a square grid "
        "of each space, where it has samples, as features (that of W by the affine map that fits "
        f"best). Path lengths: mean squared speed of features along {pairs:,} straight lines in Z "
        f"and W between the same pairs; no path has less than {lengths.straight:.2f}."
    )
    return FigureLayout(caption, [panels])


def z_grid(warping: PointGenerator) -> tuple[Tensor, Tensor]:
    """Features along lines of equal z_1, and of equal z_2; NaN outside the disc.

    Returns:
        `(LINES, STOPS, 2)` each.
    """
    first, second = (LATENT_DISC_RADIUS * lines for lines in grid_lines())
    return _map_lines(first, warping.features, _inside_disc), _map_lines(
        second, warping.features, _inside_disc
    )


def w_grid(warping: PointGenerator) -> tuple[Tensor, Tensor]:
    """The same of W, where it has samples.

    W has no axes of its own: what is equally spaced and at right angles there is up to an affine
    map, here the one that is nearest to the synthesis.
    """
    z = sample_z(2 * SHOWN_POINTS, torch.Generator().manual_seed(1)).double()
    w = warping.mapping(z)
    flat = AffineFit(w, warping.synthesis(w))
    samples = flat.forward(w)

    def inside(points: Tensor) -> Tensor:
        return torch.cdist(points, samples).amin(dim=1) <= MAX_DISTANCE_TO_SAMPLES

    def features(points: Tensor) -> Tensor:
        return warping.synthesis(flat.inverse(points))

    first, second = (1.5 * lines for lines in grid_lines())
    return _map_lines(first, features, inside), _map_lines(second, features, inside)


class AffineFit:
    """The affine map that is nearest to a map of the plane, by least squares, and its inverse."""

    def __init__(self, points: Tensor, values: Tensor):
        """Points and their values, `(N, 2)` each."""
        ones = torch.ones_like(points[:, :1])
        solution = torch.linalg.lstsq(torch.cat([points, ones], dim=1), values).solution
        self.matrix, self.offset = solution[:2], solution[2]

    def forward(self, points: Tensor) -> Tensor:
        """`(N, 2)` -> `(N, 2)`."""
        return points @ self.matrix + self.offset

    def inverse(self, values: Tensor) -> Tensor:
        """The points of values."""
        return torch.linalg.solve(self.matrix.T, (values - self.offset).T).T


def grid_lines() -> tuple[Tensor, Tensor]:
    """A square grid over -1..1: lines of equal x and of equal y, `(LINES, STOPS, 2)` each."""
    at = torch.linspace(-1, 1, GRID_LINES, dtype=torch.double)
    along = torch.linspace(-1, 1, POINTS_PER_LINE, dtype=torch.double)
    upright = torch.stack(torch.meshgrid(at, along, indexing="ij"), dim=2)
    return upright, upright.flip(2)


def _inside_disc(z: Tensor) -> Tensor:
    return z.norm(dim=1) <= LATENT_DISC_RADIUS


def _map_lines(
    lines: Tensor, features: Callable[[Tensor], Tensor], inside: Callable[[Tensor], Tensor]
) -> Tensor:
    points = lines.flatten(0, 1)
    found = features(points)
    found[~inside(points)] = torch.nan
    return found.view_as(lines)


def _plot_points(points: Tensor) -> Callable[["Axes"], None]:
    def plot(axes: "Axes") -> None:
        axes.scatter(
            points[:, 0].numpy(), points[:, 1].numpy(), s=3, color=OKABE_ITO_COLORS[2], linewidths=0
        )
        axes.text(0.5, 0.5, "forbidden", ha="center", va="center", color="gray")
        _label_axes(axes)

    return plot


def _plot_grid(lines: tuple[Tensor, Tensor], points: Tensor) -> Callable[["Axes"], None]:
    def plot(axes: "Axes") -> None:
        axes.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=2, color="#dddddd", linewidths=0)
        for color, group in zip(OKABE_ITO_COLORS, lines, strict=False):
            for line in group.numpy():
                axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1)
        _label_axes(axes)

    return plot


def _label_axes(axes: "Axes") -> None:
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    axes.set(xlabel="first factor (masculinity)", ylabel="second factor (hair length)")
