"""Generators and discriminators, written to be read beside the papers."""

from stylesmith.networks.build import build_discriminator, build_generator, parameter_count
from stylesmith.networks.discriminators import Discriminator, ResidualDiscriminator
from stylesmith.networks.generator import Generator
from stylesmith.networks.growth import Growth, match_growth
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.stylegan2 import SkipSynthesis

__all__ = [
    "Discriminator",
    "Generator",
    "Growth",
    "MappingNetwork",
    "ResidualDiscriminator",
    "SkipSynthesis",
    "build_discriminator",
    "build_generator",
    "match_growth",
    "parameter_count",
]
