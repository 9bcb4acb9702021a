"""Networks from configs, their parameter counts and the hash of their weights."""

import torch
from torch import nn

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
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


def build_generator(config: GeneratorConfig, *, seed: int = 0) -> Generator:
    """A new generator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mapping = MappingNetwork(
            config.mapping,
            label_size=config.label_size,
            gain_in_weights=config.kind != "modulated",
        )
        return Generator(config, mapping, _build_synthesis(config))


def build_discriminator(config: DiscriminatorConfig, *, seed: int = 0) -> Discriminator:
    """A new discriminator on the CPU; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _build_discriminator(config)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable values; buffers such as w_avg and noise maps do not count."""
    return sum(p.numel() for p in network.parameters())


def _build_synthesis(config: GeneratorConfig) -> SynthesisNetwork:
    match config.kind, config.connection:
        case "traditional", _:
            return TraditionalSynthesis(config)
        case "adain", _:
            return AdaINSynthesis(config)
        case "modulated", "grow":
            return GrowingSynthesis(config)
        case "modulated", "orig":
            return OrigSynthesis(config)
        case "modulated", "skip":
            return SkipSynthesis(config)
        case "modulated", "resid":
            return ResidualSynthesis(config)
        case "modulated", "multiscale":
            return MultiscaleSynthesis(config)
    raise AssertionError(f"the config let pass {config.kind} {config.connection}")


def _build_discriminator(config: DiscriminatorConfig) -> Discriminator:
    match config.connection:
        case "grow":
            return GrowingDiscriminator(config)
        case "orig":
            return OrigDiscriminator(config)
        case "skip":
            return SkipDiscriminator(config)
        case "resid":
            return ResidualDiscriminator(config)
        case "multiscale":
            return MultiscaleDiscriminator(config)


def model_hash(network: nn.Module) -> str:
    """Hash of all weights and buffers of a network."""
    return tensors_hash(network.state_dict().items())
