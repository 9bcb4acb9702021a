"""Two factors of variation, one combination of them forbidden: a GAN of points in the plane.

The experiment that Figure 6 of StyleGAN imagines. A point is an image of one pixel, whose two
channels are the factors. No part of a loss knows of W: what straightens it is training alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from stylesmith.metrics.path_length import lerp, path_lengths
from stylesmith.networks.layers import EqualizedLinear
from stylesmith.ops import lrelu
from stylesmith.training.ema import update_ema
from stylesmith.training.losses import discriminator_logistic, generator_logistic, r1_penalty

TRAINING_STEPS, POINT_BATCH_SIZE = 600, 256
LEARNING_RATE, R1_GAMMA, EMA_DECAY = 5e-3, 0.1, 0.99
HIDDEN_WIDTH = 32
MAPPING_LAYERS, SYNTHESIS_LAYERS, DISCRIMINATOR_LAYERS = 4, 1, 3
"""Hidden ones; the synthesis can warp, too, but less than the mapping."""
LATENT_DISC_RADIUS = 2.0
"""Of the disc of all z, whose coordinates thus have the variance 1."""


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
    return (
        torch.stack([angle.cos(), angle.sin()], dim=1)
        * (LATENT_DISC_RADIUS * radius.sqrt())[:, None]
    )


def train_point_generator(
    seed: int = 0,
    *,
    steps: int = TRAINING_STEPS,
    on_progress: Callable[[int, int], None] | None = None,
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
        _optimizer_step(
            d_adam,
            _discriminator_loss(
                critic, sample_training_points(POINT_BATCH_SIZE, numbers), fake.detach()
            ),
        )
        _optimizer_step(g_adam, generator_logistic(critic(fake)[:, 0]))
        update_ema(average, generator, EMA_DECAY)
        if on_progress:
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
            _as_images(draw), _squared_distance, ends, places, interpolate=lerp, crop_to_face=False
        ).mean()
        for draw, ends in ((warping.features, z), (warping.synthesis, w))
    )
    first, second = (warping.synthesis(end) for end in w)
    straight = (first - second).square().sum(dim=1).mean()
    return PointPathLengths(float(along_z), float(along_w), float(straight))


def _as_images(draw: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda points: draw(points)[:, :, None, None]


def _squared_distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=(1, 2, 3))
