"""From a config to networks: the only dispatch."""

import torch
from torch import nn

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.networks.discriminators import ResidualDiscriminator
from stylesmith.networks.generator import Generator


def build_generator(config: GeneratorConfig, *, seed: int = 0) -> Generator:
    """A new generator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Generator(config)


def build_discriminator(config: DiscriminatorConfig, *, seed: int = 0) -> ResidualDiscriminator:
    """A new discriminator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualDiscriminator(config)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable values; buffers such as w_avg and noise maps do not count."""
    return sum(p.numel() for p in network.parameters())
