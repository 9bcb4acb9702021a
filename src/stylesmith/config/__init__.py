"""Everything a run depends on, as frozen typed values that read and write JSON."""

from stylesmith.config.base import Config, apply_overrides, format_validation_error
from stylesmith.config.data import DataConfig
from stylesmith.config.levels import AmountByLevel, CountByLevel, IntervalByLevel, at_level
from stylesmith.config.network import (
    DiscriminatorConfig,
    GeneratorConfig,
    MappingConfig,
    PyramidConfig,
    base_grid,
    parse_size,
)
from stylesmith.config.run import OutputConfig, RunConfig
from stylesmith.config.training import GrowthConfig, LossName, TrainingConfig

__all__ = [
    "AmountByLevel",
    "Config",
    "CountByLevel",
    "DataConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "GrowthConfig",
    "IntervalByLevel",
    "LossName",
    "MappingConfig",
    "OutputConfig",
    "PyramidConfig",
    "RunConfig",
    "TrainingConfig",
    "apply_overrides",
    "at_level",
    "base_grid",
    "format_validation_error",
    "parse_size",
]
