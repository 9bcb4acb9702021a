"""Generators and discriminators, written to be read beside the papers."""

from stylesmith.networks.build import build_discriminator, build_generator, parameter_count
from stylesmith.networks.discriminators import (
    Discriminator,
    MultiscaleDiscriminator,
    ResidualDiscriminator,
    image_pyramid,
)
from stylesmith.networks.generator import Generator
from stylesmith.networks.growth import Growth, match_growth
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.stylegan2 import MultiscaleSynthesis, SkipSynthesis

__all__ = [
    "Discriminator",
    "Generator",
    "Growth",
    "MappingNetwork",
    "MultiscaleDiscriminator",
    "MultiscaleSynthesis",
    "ResidualDiscriminator",
    "SkipSynthesis",
    "build_discriminator",
    "build_generator",
    "image_pyramid",
    "match_growth",
    "parameter_count",
]
