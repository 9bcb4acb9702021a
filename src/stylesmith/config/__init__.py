"""Everything a run depends on, as frozen typed values that read and write JSON."""

from stylesmith.config.augment import (
    AdaConfig,
    AugmentConfig,
    DiffAugmentConfig,
    StrengthConfig,
)
from stylesmith.config.base import Config, apply_overrides, format_validation_error
from stylesmith.config.network import (
    AdaINConfig,
    ConvolutionalConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    LevelConnection,
    MappingConfig,
    ModulatedConfig,
    ProgressiveConfig,
    TraditionalConfig,
    base_grid,
    parse_size,
)
from stylesmith.config.run import DataConfig, OutputConfig, RunConfig
from stylesmith.config.training import (
    TrainingConfig,
)

__all__ = [
    "AdaConfig",
    "AdaINConfig",
    "AugmentConfig",
    "Config",
    "ConvolutionalConfig",
    "DataConfig",
    "DiffAugmentConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "LevelConnection",
    "MappingConfig",
    "ModulatedConfig",
    "OutputConfig",
    "ProgressiveConfig",
    "RunConfig",
    "StrengthConfig",
    "TraditionalConfig",
    "TrainingConfig",
    "apply_overrides",
    "base_grid",
    "format_validation_error",
    "parse_size",
]
