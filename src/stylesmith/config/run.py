"""The configuration of a whole run: data, networks, training, and output."""

from typing import Literal, Self, get_args

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from stylesmith.config.base import Config, format_validation_error
from stylesmith.config.network import (
    ConvolutionalConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    ModulatedConfig,
)
from stylesmith.config.training import IntervalByLevel, TrainingConfig, at_level, map_setting
from stylesmith.errors import ConfigError
from stylesmith.formatting import format_image_size, shorten_list


class DataConfig(Config):
    """The training set as the run sees it."""

    path: str = ""
    """Folder, zip or container of images, as an absolute path."""
    split: str = ""
    """Part of the data: train, val, test or all; empty takes the training part if there is one."""
    labels: str = ""
    """Source of the labels: none, folders, or a table; empty takes what is recognized."""
    size: tuple[int, int] = (256, 256)
    """Height and width in pixels."""
    channels: Literal[1, 3, 4] = 3
    """1 is gray, 3 is RGB, 4 is RGB with alpha."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 trains without labels."""
    class_names: tuple[str, ...] = ()
    """Names of the classes in the order of their numbers, where the data tells them."""
    mirror: bool = False
    """Flip each image with probability 1/2."""
    skip_bad: bool = False
    """Leave unreadable images out instead of stopping."""
    resize: bool = False
    """Crop and resize images of other sizes while reading; off means that they are refused."""
    hold_out: int = Field(default=0, ge=0)
    """Images kept from training, by which the discriminator and the samples are judged."""
    credit: str = ""
    """Author and license of the images, where they ask to be named; repeated on model cards."""
    fingerprint: str = ""
    """Hash of names, sizes and sampled content of the files, which tells whether the data has
    changed; after its version and a colon, of which the first version had none."""

    @field_validator("path")
    @classmethod
    def _is_unicode(cls, path: str) -> str:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"{path}: its name is not UTF-8, so a run cannot record where its data is. Rename "
                "the folder, or run `stylesmith data prepare` to write a zip with another name."
            ) from error
        return path

    def describe(self) -> str:
        """The images in words: `32x32 RGB with labels of length 2 (cats, dogs)`."""
        kind = {1: "gray", 3: "RGB", 4: "RGBA"}[self.channels]
        labels = f" with labels of length {self.label_size}" if self.label_size else ""
        names = f" ({shorten_list(self.class_names)})" if self.class_names else ""
        return f"{format_image_size(self.size)} {kind}{labels}{names}"


OutputInterval = Literal["log_kimg", "grid_kimg", "snapshot_kimg", "metrics_kimg"]
"""Intervals of output, which may be tables by resolution."""


class OutputConfig(Config):
    """What a run writes, and when."""

    log_kimg: IntervalByLevel = 4.0
    """Thousands of images between lines of log.jsonl; a number, or a table by resolution."""
    grid_kimg: IntervalByLevel = 40.0
    """Thousands of images between sample grids."""
    grid_images: int = Field(default=64, ge=1)
    """Images in a grid."""
    snapshot_kimg: IntervalByLevel = 200.0
    """Thousands of images between kept copies of the averaged generator."""
    metrics: tuple[str, ...] = ()
    """Metrics of the averaged generator on the way, such as fid10k or fd_random_5k. The model that
    was best by the first is kept."""
    metrics_kimg: IntervalByLevel = 100.0
    """Thousands of images between measurements, once all levels are in use."""
    patience_kimg: float | None = Field(default=None, gt=0)
    """Thousands of images without a better first metric after which the run stops; null never."""
    checkpoint_minutes: float = Field(default=10.0, gt=0)
    """Minutes between checkpoints."""
    keep_checkpoints: int = Field(default=3, ge=1)
    """How many of the newest checkpoints are kept."""

    def at_level(self, name: OutputInterval, level: int) -> float:
        """An interval at a level, counted from 0 at the base, in thousands of images."""
        interval: IntervalByLevel = getattr(self, name)
        return at_level(interval, level, devices=1)


class RunConfig(Config):
    """Everything that decides what a run computes."""

    version: Literal[1] = 1
    """Version of this format."""
    preset: str = "custom"
    """Name of the preset it came from."""
    generator: SerializeAsAny[GeneratorConfig] = ModulatedConfig()
    """The generator."""
    discriminator: SerializeAsAny[DiscriminatorConfig] = ConvolutionalConfig()
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
        connections = (self.generator.connection, self.discriminator.connection)
        if connections.count("multiscale") == 1:
            raise ValueError(
                "a multiscale generator needs a multiscale discriminator and the other way round; "
                f"got {connections[0]} and {connections[1]}"
            )
        return self

    @model_validator(mode="after")
    def _patience_has_a_metric(self) -> Self:
        if self.output.patience_kimg is not None and not self.output.metrics:
            raise ValueError(
                "output.patience_kimg: wanted a metric too, which has to improve (--metrics, such "
                "as fd_random_5k)"
            )
        return self

    @model_validator(mode="after")
    def _augmentation_fits(self) -> Self:
        if self.training.augment is None:
            return self
        if self.discriminator.connection == "multiscale":
            raise ValueError(
                "training.augment: a multiscale discriminator takes images of several sizes, which "
                "cannot be augmented alike; set training.augment=null or another connection"
            )
        if self.training.strength.signal == "r_v" and not self.data.hold_out:
            raise ValueError(
                "training.strength.signal r_v: wanted held-out images (--hold-out N), by whose "
                "scores it is set; or set r_t"
            )
        return self

    @model_validator(mode="after")
    def _growth_fits(self) -> Self:
        growth, levels = self.training.growth, self.generator.levels
        if growth is None:
            return self
        size = format_image_size(self.data.size)
        for name in ("generator", "discriminator"):
            connection = getattr(self, name).connection
            if connection != "grow":
                raise ValueError(
                    f"training.growth: the {name}'s connection is {connection}, which doesn't "
                    f"grow; set {name}.connection=grow or training.growth=null"
                )
        if growth.start_level >= levels:
            fitting = ", ".join(str(4 << level) for level in range(levels))
            raise ValueError(
                f"training.growth.start {growth.start}: images of {size} have the levels {fitting}"
            )
        if growth.grown_kimg(levels) > self.training.kimg * (1 + 1e-9):
            raise ValueError(
                f"training.kimg {self.training.kimg:g}: growing from {growth.start} to "
                f"{size} takes {growth.grown_kimg(levels):g} thousand images; make "
                "the run that long, or shorten the schedule with it by --scale-schedule"
            )
        return self

    def scale_schedule(self, kimg: float) -> Self:
        """The same run in `kimg` thousand images: every phase and interval in proportion."""
        factor, growth = kimg / self.training.kimg, self.training.growth
        phases = growth and {
            "train_kimg": growth.train_kimg * factor,
            "fade_kimg": growth.fade_kimg * factor,
        }
        intervals = {
            name: map_setting(getattr(self.output, name), lambda kimg: kimg * factor)
            for name in get_args(OutputInterval)
        }
        return self.change(training={"kimg": kimg, "growth": phases}, output=intervals)

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """Read a config.

        Raises:
            ConfigError: If the text is not a valid config; `source` names the file.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(f"{source}: {format_validation_error(error)}") from None
