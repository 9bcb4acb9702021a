"""Networks from configs, their parameter counts and the hash of their weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from stylesmith.config import (
    AdaINConfig,
    ConvolutionalConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    LevelConnection,
    ModulatedConfig,
    TraditionalConfig,
)
from stylesmith.networks.discriminators import (
    Discriminator,
    GrowingDiscriminator,
    MultiscaleDiscriminator,
    OrigDiscriminator,
    ResidualDiscriminator,
    SkipDiscriminator,
)
from stylesmith.networks.generator import Generator
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.stylegan import AdaINSynthesis, TraditionalSynthesis
from stylesmith.networks.stylegan2 import (
    GrowingSynthesis,
    MultiscaleSynthesis,
    OrigSynthesis,
    ResidualSynthesis,
    SkipSynthesis,
)
from stylesmith.networks.synthesis import SynthesisNetwork
from stylesmith.tensor_file import tensors_hash

MODULATED_NETWORKS: dict[LevelConnection, Callable[[ModulatedConfig], SynthesisNetwork]] = {
    "grow": GrowingSynthesis,
    "orig": OrigSynthesis,
    "skip": SkipSynthesis,
    "resid": ResidualSynthesis,
    "multiscale": MultiscaleSynthesis,
}
SYNTHESIS_NETWORKS: dict[type[GeneratorConfig], Callable[[Any], SynthesisNetwork]] = {
    TraditionalConfig: TraditionalSynthesis,
    AdaINConfig: AdaINSynthesis,
    ModulatedConfig: lambda config: MODULATED_NETWORKS[config.connection](config),
}
CONVOLUTIONAL_NETWORKS: dict[LevelConnection, Callable[[ConvolutionalConfig], Discriminator]] = {
    "grow": GrowingDiscriminator,
    "orig": OrigDiscriminator,
    "skip": SkipDiscriminator,
    "resid": ResidualDiscriminator,
    "multiscale": MultiscaleDiscriminator,
}
DISCRIMINATORS: dict[type[DiscriminatorConfig], Callable[[Any], Discriminator]] = {
    ConvolutionalConfig: lambda config: CONVOLUTIONAL_NETWORKS[config.connection](config),
}
"""From the config of a kind to its network; another family joins by adding its constructors."""


def build_generator(config: GeneratorConfig, *, seed: int = 0) -> Generator:
    """A new generator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mapping = MappingNetwork(
            config.mapping,
            label_size=config.label_size,
            gain_in_weights=config.gain_in_weights,
        )
        return Generator(config, mapping, SYNTHESIS_NETWORKS[type(config)](config))


def build_discriminator(config: DiscriminatorConfig, *, seed: int = 0) -> Discriminator:
    """A new discriminator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DISCRIMINATORS[type(config)](config)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable values; buffers such as w_avg and noise maps do not count."""
    return sum(p.numel() for p in network.parameters())


def model_hash(network: nn.Module) -> str:
    """Hash of all weights and buffers of a network."""
    return tensors_hash(network.state_dict().items())
