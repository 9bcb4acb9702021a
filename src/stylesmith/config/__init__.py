"""Everything a run depends on, as frozen typed values that read and write JSON."""

from stylesmith.config.base import Config, apply_overrides, format_validation_error
from stylesmith.config.network import (
    LAYER_GROUPS,
    AdaINConfig,
    ConvolutionalConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    LevelConnection,
    MappingConfig,
    ModulatedConfig,
    ProgressiveConfig,
    PyramidConfig,
    TraditionalConfig,
    base_grid,
    parse_size,
)
from stylesmith.config.run import DataConfig, OutputConfig, RunConfig
from stylesmith.config.training import (
    LossName,
    TrainingConfig,
    at_level,
)

__all__ = [
    "LAYER_GROUPS",
    "AdaINConfig",
    "Config",
    "ConvolutionalConfig",
    "DataConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "LevelConnection",
    "LossName",
    "MappingConfig",
    "ModulatedConfig",
    "OutputConfig",
    "ProgressiveConfig",
    "PyramidConfig",
    "RunConfig",
    "TraditionalConfig",
    "TrainingConfig",
    "apply_overrides",
    "at_level",
    "base_grid",
    "format_validation_error",
    "parse_size",
]
