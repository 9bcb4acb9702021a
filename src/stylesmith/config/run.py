"""A whole run: networks, data, training, and what is written on the way."""

from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from stylesmith.config.base import Config, describe_problem
from stylesmith.config.data import DataConfig
from stylesmith.config.network import DiscriminatorConfig, GeneratorConfig
from stylesmith.config.training import TrainingConfig
from stylesmith.errors import ConfigError


class OutputConfig(Config):
    """What a run writes, and when."""

    log_kimg: float = Field(default=4.0, gt=0)
    """Thousands of images between lines of log.jsonl."""
    grid_kimg: float = Field(default=40.0, gt=0)
    """Thousands of images between sample grids."""
    grid_images: int = Field(default=64, ge=1)
    """Images in a grid."""
    snapshot_kimg: float = Field(default=200.0, gt=0)
    """Thousands of images between kept copies of the averaged generator."""
    checkpoint_minutes: float = Field(default=10.0, gt=0)
    """Minutes between checkpoints."""
    keep_checkpoints: int = Field(default=3, ge=1)
    """How many of the newest checkpoints are kept."""


class RunConfig(Config):
    """Everything that decides what a run computes."""

    version: Literal[1] = 1
    """Version of this format."""
    preset: str = "custom"
    """Name of the preset it came from."""
    generator: GeneratorConfig = GeneratorConfig()
    """The generator."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    """The discriminator."""
    training: TrainingConfig = TrainingConfig()
    """How they learn."""
    data: DataConfig = DataConfig(size=(1024, 1024))
    """What they learn from."""
    output: OutputConfig = OutputConfig()
    """What is written on the way."""

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        wanted = (self.data.size, self.data.channels, self.data.label_size)
        for name in ("generator", "discriminator"):
            network = getattr(self, name)
            found = (network.size(), network.image_channels, network.label_size)
            if found != wanted:
                raise ValueError(
                    f"the {name}'s size, channels and labels {found} must be the data's {wanted}"
                )
        return self

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        if self.training.path_weight and not self.generator.mapping.layers:
            raise ValueError(
                "path length regularization needs a mapping network; set training.path_weight=0 "
                "or generator.mapping.layers above 0"
            )
        if "multiscale" in (self.generator.connection, self.discriminator.connection):
            raise ValueError("the multiscale pair can be built, but not trained yet")
        return self

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """Read a config.

        Raises:
            ConfigError: If the text is not a valid config; `source` names the file.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(f"{source}: {describe_problem(error)}") from None
