"""What a projection looks for, as one row of numbers for each picture: w, then the noise maps.

As rows, pictures can be searched for together, leave when they are done, and be saved one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.inversion.noise_regularizer import normalize_noise
from stylesmith.inversion.settings import ProjectionSettings
from stylesmith.latents import NoiseShape, RandomKeys, split_noise_maps
from stylesmith.networks import Generator
from stylesmith.networks.synthesis import NoiseMaps


@dataclass(frozen=True)
class ProjectionVariables:
    """Which number of a row stands for what."""

    w_count: int
    """How many w: one, or one for each layer."""
    num_ws: int
    w_dim: int
    noise_shapes: Sequence[NoiseShape]
    """Of the noise maps that are looked for, from the base up."""
    fixed_noise: NoiseMaps
    """The maps of the noise inputs behind those."""

    @classmethod
    def for_generator(
        cls, generator: Generator, settings: ProjectionSettings
    ) -> "ProjectionVariables":
        """Those of a generator; maps of levels that it has not grown yet are none of them."""
        config, growth = generator.config, generator.growth
        level = growth.level if growth else config.levels - 1
        shapes = config.noise_shapes_up_to(level) if settings.noise else []
        fixed = list(generator.synthesis.fixed_noise)[len(shapes) :]
        layers = config.num_ws if settings.space == "w+" else 1
        return cls(layers, config.num_ws, config.w_dim, shapes, fixed)

    @property
    def w_size(self) -> int:
        """Numbers of a row that are w."""
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
        """The noise maps that are looked for, `(N, 1, H, W)` each."""
        return (
            split_noise_maps(rows[:, self.w_size :], self.noise_shapes) if self.noise_shapes else []
        )

    def noise_maps(self, rows: Tensor) -> NoiseMaps:
        """One map for each noise input of the network."""
        return [*self.optimized_noise(rows), *self.fixed_noise]

    def normalize_noise(self, rows: Tensor) -> Tensor:
        """Rows whose noise maps have mean 0 and variance 1."""
        maps = [normalize_noise(noise).flatten(1) for noise in self.optimized_noise(rows)]
        return torch.cat([rows[:, : self.w_size], *maps], dim=1)
