"""Everything a run depends on, as frozen typed values that read and write JSON."""

from stylesmith.config.base import Config, apply_overrides, describe_problem
from stylesmith.config.data import DataConfig
from stylesmith.config.network import (
    DiscriminatorConfig,
    GeneratorConfig,
    MappingConfig,
    PyramidConfig,
    base_grid,
    parse_size,
)
from stylesmith.config.run import OutputConfig, RunConfig
from stylesmith.config.training import TrainingConfig

__all__ = [
    "Config",
    "DataConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "MappingConfig",
    "OutputConfig",
    "PyramidConfig",
    "RunConfig",
    "TrainingConfig",
    "apply_overrides",
    "base_grid",
    "describe_problem",
    "parse_size",
]
