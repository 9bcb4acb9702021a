"""The variables of a projection (w and noise maps), the noise regularizer, and the settings.

Source: StyleGAN2, appendix D.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.choices import ProjectionForm, ProjectionSpace, check_choices
from stylesmith.latents import NoiseShape, RandomKeys, split_noise_maps
from stylesmith.networks import Generator
from stylesmith.networks.sample_inputs import LabelChoice
from stylesmith.networks.synthesis import NoiseMaps


@check_choices
@dataclass(frozen=True)
class ProjectionSettings:
    """Settings of a projection; the defaults are StyleGAN2's appendix D."""

    steps: int = 1000
    space: ProjectionSpace = "w"
    noise: bool = True
    """Optimize noise maps too; off, the network's own stay."""
    form: ProjectionForm = "code"
    learning_rate: float = 0.1
    """Largest learning rate of Adam."""
    noise_weight: float = 1e5
    """Alpha, the weight of the noise regularizer."""
    stop_at: float | None = None
    """Distance at or below which an image is done; None runs all steps."""
    label: LabelChoice | None = None
    """Class or label whose w are the start and the scale; None takes all classes in turn."""
    seed: int = 0
    """Seed of the first noise maps, and of the noise on w."""

    @property
    def evaluation_interval(self) -> int:
        """Steps from one evaluation without noise on w to the next."""
        return max(1, self.steps // 100)

    def describe(self) -> dict[str, Any]:
        """As JSON, for files."""
        return asdict(self)


MIN_MAP_SIZE = 8
"""Size at which the noise pyramid ends: larger maps are halved."""


@check_choices
def noise_regularizer(maps: Sequence[Tensor], form: ProjectionForm = "code") -> Tensor:
    """Squared autocorrelation at shifts of one pixel, over all maps and scales, `(N,)`.

    For Gaussian noise it is of the order of 1 / pixels, for smooth maps near two a scale. Maps wrap
    at their edges. The paper doubles a map whenever it halves it, which keeps the variance of
    noise; the published code does not.

    Args:
        maps: Noise maps, `(N, 1, H, W)` each; at least one.
        form: Whether halved maps are doubled, as in the paper.
    """
    gain = 2.0 if form == "paper" else 1.0
    terms = [
        _squared_autocorrelation(scale) for noise in maps for scale in _noise_pyramid(noise, gain)
    ]
    return torch.stack(terms).sum(dim=0)


def normalize_noise(noise: Tensor) -> Tensor:
    """Maps `(N, 1, H, W)` shifted and scaled to mean 0 and variance 1, each by itself.

    A constant map has no variance to scale, and becomes zero.
    """
    centered = noise - noise.mean(dim=(1, 2, 3), keepdim=True)
    variance = centered.square().mean(dim=(1, 2, 3), keepdim=True)
    return centered * variance.clamp(min=1e-12).rsqrt()


def _noise_pyramid(noise: Tensor, gain: float) -> Iterator[Tensor]:
    yield noise
    while min(noise.shape[-2:]) > MIN_MAP_SIZE:
        noise = F.avg_pool2d(noise, 2) * gain
        yield noise


def _squared_autocorrelation(noise: Tensor) -> Tensor:
    """Sum of the squared autocorrelations of each map one pixel to the right and down, `(N,)`."""
    right, down = ((noise * noise.roll(1, dims=axis)).mean(dim=(1, 2, 3)) for axis in (3, 2))
    return right.square() + down.square()


@dataclass(frozen=True)
class ProjectionVariables:
    """Layout of a row of variables: w first, then the optimized noise maps."""

    w_count: int
    """Number of w: one, or one for each layer."""
    num_ws: int
    w_dim: int
    noise_shapes: Sequence[NoiseShape]
    """Shapes of the optimized noise maps, from the base up."""
    fixed_noise: NoiseMaps
    """The maps of the remaining noise inputs."""

    @classmethod
    def for_generator(
        cls, generator: Generator, settings: ProjectionSettings
    ) -> "ProjectionVariables":
        """Variables of a generator, without the noise maps of levels that it has not grown yet."""
        config = generator.config
        shapes = config.noise_shapes_up_to(generator.top_level) if settings.noise else []
        fixed = list(generator.synthesis.fixed_noise)[len(shapes) :]
        layers = config.num_ws if settings.space == "w+" else 1
        return cls(layers, config.num_ws, config.w_dim, shapes, fixed)

    @property
    def w_size(self) -> int:
        """Number of values of a row that are w."""
        return self.w_count * self.w_dim

    def initial_row(self, mean: Tensor, keys: RandomKeys) -> Tensor:
        """The row `(1, P)` to start from: the mean w `(D,)`, and Gaussian noise."""
        size = sum(height * width for height, width in self.noise_shapes)
        noise = keys.normal(size, "first noise").to(mean.device)
        return torch.cat([mean.repeat(self.w_count), noise])[None]

    def w(self, rows: Tensor) -> Tensor:
        """Rows `(N, P)` -> `(N, layers, D)`."""
        return rows[:, : self.w_size].unflatten(1, (self.w_count, self.w_dim))

    def broadcast(self, w: Tensor) -> Tensor:
        """`(N, layers, D)` -> one w for each layer, `(N, num_ws, D)`."""
        return w.expand(-1, self.num_ws, -1)

    def optimized_noise(self, rows: Tensor) -> list[Tensor]:
        """The optimized noise maps, `(N, 1, H, W)` each."""
        if not self.noise_shapes:
            return []
        return split_noise_maps(rows[:, self.w_size :], self.noise_shapes)

    def noise_maps(self, rows: Tensor) -> NoiseMaps:
        """One map for each noise input of the network."""
        return [*self.optimized_noise(rows), *self.fixed_noise]

    def normalize_noise(self, rows: Tensor) -> Tensor:
        """Rows whose noise maps have mean 0 and variance 1."""
        maps = [normalize_noise(noise).flatten(1) for noise in self.optimized_noise(rows)]
        return torch.cat([rows[:, : self.w_size], *maps], dim=1)
