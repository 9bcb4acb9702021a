"""Everything a run depends on, as frozen typed values that read and write JSON."""

from stylesmith.config.base import Config, apply_overrides, format_validation_error
from stylesmith.config.network import (
    DiscriminatorConfig,
    GeneratorConfig,
    MappingConfig,
    PyramidConfig,
    base_grid,
    parse_size,
)
from stylesmith.config.run import DataConfig, OutputConfig, RunConfig
from stylesmith.config.training import (
    AmountByLevel,
    CountByLevel,
    GrowthConfig,
    IntervalByLevel,
    LossName,
    TrainingConfig,
    at_level,
)

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
