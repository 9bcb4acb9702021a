"""Networks small enough to be checked by hand, and models to measure with them."""

import torch
from torch import Tensor

from stylesmith.config import GeneratorConfig, MappingConfig
from stylesmith.metrics.image_sources import ModelSource
from stylesmith.metrics.scores import Moments
from stylesmith.networks import Generator, build_generator

CPU = torch.device("cpu")


class FakeExtractor:
    """Means of quarters of each channel through a fixed matrix."""

    dimension = 6
    weights_hash = "fake"
    min_size = 2

    def __init__(self, name: str = "random"):
        self.name = name
        self.seen = 0
        """Images that it was shown."""

    def features(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        self.seen += len(images)
        quarters = torch.nn.functional.adaptive_avg_pool2d(images.float(), 2).flatten(1) / 64
        places = torch.arange(quarters.shape[1] * self.dimension).float()
        return torch.tanh(quarters @ places.sin().reshape(-1, self.dimension) / 8)


class FakeClassifier(FakeExtractor):
    """One that tells classes too."""

    def probabilities(self, images: Tensor) -> Tensor:
        return (4 * self.features(images)).softmax(dim=1)


class FakeDistance:
    """Mean squared difference of pixels."""

    weights_hash = "fake"
    min_size = 2

    def __init__(self, name: str = "lpips"):
        self.name = name

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))

    def embed(self, images: Tensor) -> Tensor:
        return images.flatten(1) / images[0].numel() ** 0.5


def tiny_network(*, seed: int = 0, **fields: object) -> Generator:
    """A generator of 8x8 images whose noise has an effect."""
    mapping = MappingConfig(z_dim=4, w_dim=5, layers=2)
    config = GeneratorConfig.model_validate(
        {"levels": 2, "max_channels": 8, "mapping": mapping.model_dump(), **fields}
    )
    generator = build_generator(config, seed=seed).eval().requires_grad_(False)
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.3)
    return generator


def tiny_model(*, seed: int = 0, seed_of_network: int = 0, **fields: object) -> ModelSource:
    """A source of its images."""
    return ModelSource(tiny_network(seed=seed_of_network, **fields), "tiny", seed=seed)


def moments_of(features: Tensor) -> Moments:
    """Moments of the rows of one table, `(N, D)`."""
    moments = Moments.empty(features.shape[1], features.device)
    moments.add(features)
    return moments
