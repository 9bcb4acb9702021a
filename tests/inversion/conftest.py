"""Latent optimizers of tiny networks, which take a second."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.inversion import LatentOptimizer, ProjectionSettings, ProjectionTarget
from stylesmith.inversion.latent_optimizer import WStatistics
from stylesmith.networks import Generator
from stylesmith.perception.random_features import RandomFeatures
from tests.support import CPU


class ExactDistance:
    """Mean squared difference in double precision, where rounding cannot hide a mistake."""

    name = "exact"
    weights_hash = "none"
    min_size = 1

    def embed(self, images: Tensor) -> Tensor:
        return images.flatten(1) / images[0].numel() ** 0.5

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.embed(a) - self.embed(b)).square().sum(1)


@pytest.fixture
def generator(tiny_generator) -> Generator:
    """16x16, five noise inputs that show, and styles that make a difference."""
    return tiny_generator(levels=3).requires_grad_(False)


@pytest.fixture
def make_optimizer() -> Callable[..., LatentOptimizer]:
    """`make_optimizer(generator, steps=20)`: settings by name; `exact` is double precision."""

    def build(generator: Generator, *, exact: bool = False, **settings) -> LatentOptimizer:
        chosen = ProjectionSettings(**({"steps": 20} | settings))
        if not exact:
            return LatentOptimizer(generator, RandomFeatures(CPU), chosen)
        generator.double()
        mean = torch.zeros(generator.config.w_dim, dtype=torch.double)
        return LatentOptimizer(
            generator, ExactDistance(), chosen, statistics=WStatistics(mean, 3.0)
        )

    return build


@pytest.fixture
def targets(generator: Generator) -> list[ProjectionTarget]:
    """Three images of the generator, in whole gray levels as files have them."""
    images = pixels.from_uint8(pixels.to_uint8(generator.sample(range(3), noise="random")))
    return [ProjectionTarget(f"seed{i}", f"seed{i}.png", image) for i, image in enumerate(images)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results go."""
    return tmp_path / "out"
