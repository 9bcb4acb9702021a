"""Warping of Z and W in an experiment on points of the plane (StyleGAN, Figure 6).

Two factors of variation, one combination of which is missing from the training set; a GAN of points
learns them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stylesmith.callbacks import ProgressCallback, ignore_progress
from stylesmith.figures.figure_input import FigureInput, paper_figure
from stylesmith.figures.panels import OKABE_ITO_COLORS, ChartPanel, FigureLayout
from stylesmith.metrics.path_length import path_lengths
from stylesmith.networks.layers import EqualizedLinear
from stylesmith.ops import lrelu
from stylesmith.training.losses import discriminator_logistic, generator_logistic, r1_penalty
from stylesmith.training.train_step import update_ema

if TYPE_CHECKING:
    from matplotlib.axes import Axes


TRAINING_STEPS, POINT_BATCH_SIZE = 600, 256
LEARNING_RATE, R1_GAMMA, EMA_DECAY = 5e-3, 0.1, 0.99
HIDDEN_WIDTH = 32
MAPPING_LAYERS, SYNTHESIS_LAYERS, DISCRIMINATOR_LAYERS = 4, 1, 3
"""Hidden layers; the synthesis can warp, too, but less than the mapping."""
LATENT_DISC_RADIUS = 2.0
"""Radius of the disc of all z, whose coordinates thus have the variance 1."""


class MLP(nn.Module):
    """Fully connected layers with leaky ReLUs between them."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.layers = nn.ModuleList(EqualizedLinear(i, o) for i, o in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, widths[0])` -> `(N, widths[-1])`."""
        for layer in self.layers[:-1]:
            x = lrelu(layer(x))
        y: Tensor = self.layers[-1](x)
        return y


@dataclass(frozen=True)
class PointGenerator:
    """A trained generator of points, from z by way of w to features, `(N, 2)` each."""

    mapping: Callable[[Tensor], Tensor]
    synthesis: Callable[[Tensor], Tensor]

    def features(self, z: Tensor) -> Tensor:
        """What z gives."""
        return self.synthesis(self.mapping(z))


@dataclass(frozen=True)
class PointPathLengths:
    """Mean squared speed of features along paths between the same pairs of them."""

    z: float
    """Along straight lines in Z."""
    w: float
    """Along straight lines in W."""
    straight: float
    """Along straight lines between the features; no path has less."""


def sample_training_points(count: int, numbers: torch.Generator) -> Tensor:
    """The training set: uniform on the square -1..1 without its corner where both are above 0."""
    points = torch.rand(2 * count, 2, generator=numbers) * 2 - 1
    allowed = points[~is_forbidden(points)]
    while len(allowed) < count:  # three quarters are allowed: as good as never
        allowed = torch.cat([allowed, sample_training_points(count, numbers)])
    return allowed[:count]


def is_forbidden(points: Tensor, margin: float = 0.0) -> Tensor:
    """Which points `(N, 2)` lie more than `margin` deep in the forbidden corner, `(N,)`."""
    return (points > margin).all(dim=1)


def sample_z(count: int, numbers: torch.Generator) -> Tensor:
    """Latents, uniform on a disc: like a normal distribution rotated at will, but with an edge."""
    radius, turn = torch.rand(2, count, generator=numbers)
    angle = 2 * math.pi * turn
    directions = torch.stack([angle.cos(), angle.sin()], dim=1)
    return directions * (LATENT_DISC_RADIUS * radius.sqrt())[:, None]


def train_point_generator(
    seed: int = 0,
    *,
    steps: int = TRAINING_STEPS,
    on_progress: ProgressCallback = ignore_progress,
) -> PointGenerator:
    """Train with the logistic loss and R1, as StyleGAN; seconds on a CPU, where all is computed."""
    numbers = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, average = (_build_generator() for _ in range(2))
        critic = MLP([2, *[2 * HIDDEN_WIDTH] * DISCRIMINATOR_LAYERS, 1])
    average.load_state_dict(generator.state_dict())
    g_adam, d_adam = (
        torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=(0.0, 0.99), fused=True)
        for network in (generator, critic)
    )
    for step in range(1, steps + 1):
        fake = generator(sample_z(POINT_BATCH_SIZE, numbers))
        real = sample_training_points(POINT_BATCH_SIZE, numbers)
        _optimizer_step(d_adam, _discriminator_loss(critic, real, fake.detach()))
        _optimizer_step(g_adam, generator_logistic(critic(fake)[:, 0]))
        update_ema(average, generator, EMA_DECAY)
        on_progress(step, steps)
    mapping, synthesis = average.double().requires_grad_(False)
    return PointGenerator(mapping, synthesis)


def _build_generator() -> nn.Sequential:
    """Mapping and synthesis, W as flat as Z."""
    return nn.Sequential(
        MLP([2, *[HIDDEN_WIDTH] * MAPPING_LAYERS, 2]),
        MLP([2, *[HIDDEN_WIDTH] * SYNTHESIS_LAYERS, 2]),
    )


def _discriminator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    view = real[:, :, None, None].requires_grad_()
    scores = critic(view.flatten(1))[:, 0]
    loss = discriminator_logistic(scores, critic(fake)[:, 0])
    return loss + R1_GAMMA / 2 * r1_penalty(scores, [view])


def _optimizer_step(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad()
    loss.mean().backward()
    adam.step()


def measure_point_path_lengths(
    warping: PointGenerator, count: int, seed: int = 0
) -> PointPathLengths:
    """Path lengths as of StyleGAN, section 4.1, full paths, with the distance of features.

    The paths of Z and W join the same pairs of features, so that the scale of W has no say. Z, a
    disc, is flat: its paths are straight lines as those of W.
    """
    numbers = torch.Generator().manual_seed(seed)
    z = sample_z(count, numbers).double(), sample_z(count, numbers).double()
    places = torch.rand(count, 1, generator=numbers, dtype=torch.double)
    w = warping.mapping(z[0]), warping.mapping(z[1])
    along_z, along_w = (
        path_lengths(
            draw,
            _squared_distance,
            ends,
            places,
            interpolate=torch.lerp,
            crop_to_face=False,
        ).mean()
        for draw, ends in ((warping.features, z), (warping.synthesis, w))
    )
    straight = _squared_distance(*map(warping.synthesis, w)).mean()
    return PointPathLengths(float(along_z), float(along_w), float(straight))


def _squared_distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=1)


DEFAULT_PATH_PAIRS = 10_000
"""Pairs of points between which path lengths are measured."""
SHOWN_POINTS = 2000
"""Points of the training set that are shown."""
GRID_LINES, POINTS_PER_LINE = 17, 240
"""Lines of a grid in each direction, and points of each line."""
MAX_DISTANCE_TO_SAMPLES = 0.1
"""A point of W belongs to it if features of a sampled w are as near, once W is made flat."""
PANEL_WIDTH, PANEL_HEIGHT = 386, 364
"""Size of a panel, whose axes are then square."""


@paper_figure(
    "stylegan-6",
    "Why W is less warped than Z, by an experiment",
    "count",
    "no model",
    needs_no_model=True,
)
def latent_space_warping(model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 6, of a GAN trained on the spot; it needs no model."""
    trained = train_point_generator(on_progress=on_progress)
    pairs = model.count(DEFAULT_PATH_PAIRS)
    lengths = measure_point_path_lengths(trained, pairs)
    points = sample_training_points(SHOWN_POINTS, torch.Generator().manual_seed(0))
    charts = {
        "(a) Features in the training set": (),
        f"(b) From Z to features: path length {lengths.z:.2f}": z_grid(trained),
        f"(c) From W to features: path length {lengths.w:.2f}": w_grid(trained),
    }
    panels = [
        ChartPanel(partial(_plot, points=points, lines=lines), title, PANEL_WIDTH, PANEL_HEIGHT)
        for title, lines in charts.items()
    ]
    caption = (
        "StyleGAN, Figure 6. Two factors of variation, such as masculinity and hair length. (a) A "
        "training set where one combination is missing. (b) This forces the mapping from Z, here "
        "a disc, to features to be curved, so that the forbidden combination disappears in Z. (c) "
        "The learned mapping from Z to W undoes much of the warping. Not a sketch but measured: a "
        f"GAN of points, trained for {TRAINING_STEPS} steps with the logistic loss and R1; a "
        "square grid of each space, where it has samples, as features (that of W by the affine "
        f"map that fits best). Path lengths: mean squared speed of features along {pairs:,} "
        "straight lines in Z and W between the same pairs; no path has less than "
        f"{lengths.straight:.2f}."
    )
    return FigureLayout(caption, [panels])


def z_grid(warping: PointGenerator) -> tuple[Tensor, Tensor]:
    """Features along lines of equal z_1, and of equal z_2; NaN outside the disc.

    Returns:
        `(GRID_LINES, POINTS_PER_LINE, 2)` each.
    """
    radius = LATENT_DISC_RADIUS
    return _map_grid(radius, warping.features, lambda z: z.norm(dim=1) <= radius)


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

    return _map_grid(1.5, features, inside)


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
    """Lines of equal x and of equal y over -1..1, `(GRID_LINES, POINTS_PER_LINE, 2)` each."""
    at = torch.linspace(-1, 1, GRID_LINES, dtype=torch.double)
    along = torch.linspace(-1, 1, POINTS_PER_LINE, dtype=torch.double)
    upright = torch.stack(torch.meshgrid(at, along, indexing="ij"), dim=2)
    return upright, upright.flip(2)


def _map_grid(
    scale: float, features: Callable[[Tensor], Tensor], inside: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Features along the lines of a scaled square grid, NaN outside."""

    def along(lines: Tensor) -> Tensor:
        points = scale * lines.flatten(0, 1)
        found = features(points)
        found[~inside(points)] = torch.nan
        return found.view_as(lines)

    first, second = grid_lines()
    return along(first), along(second)


def _plot(axes: "Axes", points: Tensor, lines: Sequence[Tensor]) -> None:
    """The training set, below grid lines if there are any."""
    x, y = points.T.numpy()
    if lines:
        axes.scatter(x, y, s=2, color="#dddddd", linewidths=0)
    else:
        axes.scatter(x, y, s=3, color=OKABE_ITO_COLORS[2], linewidths=0)
        axes.text(0.5, 0.5, "forbidden", ha="center", va="center", color="gray")
    for color, group in zip(OKABE_ITO_COLORS, lines, strict=False):
        for line in group.numpy():
            axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1)
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    axes.set(xlabel="first factor (masculinity)", ylabel="second factor (hair length)")
