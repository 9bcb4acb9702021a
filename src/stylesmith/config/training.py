"""Training settings, and settings that depend on the resolution.

Such a setting is a number; or a table by resolution, where an entry holds up to the next one; or
several such tables by number of GPUs, one of which is followed whatever the real number is.
Resolutions count from a 4x4 base: level n stands for 4 * 2**n.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from stylesmith.choices import PrecisionName
from stylesmith.config.augment import AugmentConfig, StrengthConfig
from stylesmith.config.base import Config

Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(gt=0)]

CountTable = Annotated[dict[int, Count], Field(min_length=1)]
AmountTable = Annotated[dict[int, Amount], Field(min_length=1)]

CountByLevel = Count | CountTable | Annotated[dict[int, CountTable], Field(min_length=1)]
AmountByLevel = Amount | AmountTable | Annotated[dict[int, AmountTable], Field(min_length=1)]
IntervalByLevel = Amount | AmountTable

Number = TypeVar("Number", int, float)


def at_level(
    setting: Number | dict[int, Number] | dict[int, dict[int, Number]], level: int, devices: int
) -> Number:
    """The value in force at a level, in the column of that many GPUs.

    Below the first entry of a table, that one holds.

    Raises:
        KeyError: If there are columns, and none for that number of GPUs.
    """
    if not isinstance(setting, dict):
        return setting
    table: Any = setting[devices] if device_columns(setting) else setting
    reached = [resolution for resolution in table if resolution <= 4 << level]
    value: Number = table[max(reached, default=min(table))]
    return value


def device_columns(setting: object) -> list[int]:
    """Numbers of GPUs that a setting has columns for; none where all share one."""
    if not isinstance(setting, dict):
        return []
    return sorted(key for key, value in setting.items() if isinstance(value, dict))


def map_setting(setting: Any, change: Callable[[Any], Any]) -> Any:
    """The same setting with each of its numbers changed."""
    if not isinstance(setting, dict):
        return change(setting)
    return {key: map_setting(value, change) for key, value in setting.items()}


LossName = Literal["logistic", "wgan_gp"]
NetworkName = Literal["generator", "discriminator"]
LevelSetting = Literal["batch_size", "micro_batch", "generator_lr", "discriminator_lr"]
"""Training settings that may be tables by resolution and number of GPUs."""


class GrowthConfig(Config):
    """Progressive growing: each level fades in, then trains (ProGAN, section 2)."""

    start: int = 8
    """Resolution that is trained first, of a 4x4 base: 4 in ProGAN, 8 in StyleGAN."""
    train_kimg: float = Field(default=600.0, gt=0)
    """Thousands of images at each level before the next one enters."""
    fade_kimg: float = Field(default=600.0, gt=0)
    """Thousands of images over which a level fades in."""
    repeats: int = Field(default=4, ge=1)
    """Steps between two readings of the schedule."""

    @field_validator("start")
    @classmethod
    def _start_is_a_level(cls, start: int) -> int:
        if start < 4 or start & (start - 1):
            raise ValueError("wanted the resolution of a level: 4, 8, 16, ...")
        return start

    @property
    def start_level(self) -> int:
        """Level that is trained first, counted from 0 at the base."""
        return self.start.bit_length() - 3

    def grown_kimg(self, levels: int) -> float:
        """Thousands of images after which all levels are in use."""
        return (levels - 1 - self.start_level) * (self.train_kimg + self.fade_kimg)


class TrainingConfig(Config):
    """Losses, optimizers and schedule. Defaults are StyleGAN2's config F.

    Batch size and learning rates may be tables: `{"8": 256, "16": 128}` goes by resolution, and
    `{"1": {"8": 128}, "8": {"8": 256}}` by number of GPUs first, as the papers' code has it.
    """

    kimg: float = Field(default=25000, gt=0)
    """Length of the run, in thousands of real images shown to the discriminator."""
    growth: GrowthConfig | None = None
    """Progressive growing; null trains all levels from the start."""
    batch_size: CountByLevel = 32
    """Images per step over all processes; a number, or a table."""
    micro_batch: CountByLevel | None = None
    """Images at once on one device; null takes as many as fit. Gradients are accumulated."""
    reference_devices: int = Field(default=8, ge=1)
    """Number of GPUs whose columns of the tables are followed, whatever the real number is."""
    seed: int = Field(default=0, ge=0)
    """Start of every random number."""
    precision: PrecisionName = "auto"
    """dtype of the convolutions; auto is bf16 where the device has it."""

    order: Literal["generator_first", "discriminator_first"] = "generator_first"
    """Which network moves first in a step: the discriminator in StyleGAN, else the generator."""
    generator_lr: AmountByLevel = 0.002
    """Learning rate of the generator, before the correction for lazy regularization."""
    discriminator_lr: AmountByLevel = 0.002
    """Learning rate of the discriminator, before the correction for lazy regularization."""
    beta1: float = Field(default=0.0, ge=0, lt=1)
    """Adam's decay of the first moment."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """Adam's decay of the second moment."""

    loss: LossName = "logistic"
    """`logistic` is the non-saturating loss; `wgan_gp` that of ProGAN."""
    wgan_penalty: float = Field(default=10.0, ge=0)
    """Weight (lambda) of WGAN-GP's gradient penalty, taken in every step."""
    wgan_drift: float = Field(default=0.001, ge=0)
    """Weight of the squared real scores, which keeps WGAN-GP's scores near 0."""
    r1_gamma: float = Field(default=10.0, ge=0)
    """Weight of the R1 gradient penalty on real images; 0 leaves it out."""
    r1_interval: int = Field(default=16, ge=1)
    """Steps between R1 passes (lazy regularization); 1 adds the penalty to the loss."""
    path_weight: float = Field(default=2.0, ge=0)
    """Weight of path length regularization; 0 leaves it out."""
    path_interval: int = Field(default=4, ge=1)
    """Steps between path length passes; 4 in the published code, 8 in the paper."""
    path_decay: float = Field(default=0.01, gt=0, le=1)
    """How far the target length moves towards each new mean length."""
    path_batch_shrink: int = Field(default=2, ge=1)
    """The path length pass draws the micro-batch divided by this."""
    style_mixing: float = Field(default=0.9, ge=0, le=1)
    """Probability that a step draws styles from two latents."""

    source: str | None = None
    """Model whose weights the run starts with (fine-tuning); null starts at random."""
    freeze_d: int = Field(default=0, ge=0)
    """Layers of the discriminator, from the image on, that do not learn (Freeze-D)."""

    augment: SerializeAsAny[AugmentConfig] | None = None
    """Augmentation of what the discriminator sees; null leaves it out."""
    strength: StrengthConfig = StrengthConfig()
    """How the strength p of the augmentation is set."""

    ema_kimg: float = Field(default=10.0, gt=0)
    """Half-life of the averaged generator, in thousands of images."""
    ema_rampup: float | None = Field(default=None, gt=0)
    """Early on, the half-life is at most this fraction of the images seen; null leaves it out."""

    def at_level(self, name: LevelSetting, level: int) -> Any:
        """The value of one of the settings by resolution at a level, counted from 0 at the base."""
        return at_level(getattr(self, name), level, self.reference_devices)

    def penalty_interval(self, network: NetworkName) -> int | None:
        """Steps between passes of a network's penalty, R1 or path length; None leaves it out."""
        if network == "generator":
            return self.path_interval if self.path_weight else None
        return self.r1_interval if self.r1_gamma else None

    @model_validator(mode="after")
    def _strength_has_a_signal(self) -> Self:
        if self.augment and self.loss == "wgan_gp" and self.strength.signal == "r_t":
            raise ValueError(
                "training.strength.signal r_t: the scores of wgan_gp have no meaningful sign; set "
                "fixed, with training.strength.initial, or r_v"
            )
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        for name in get_args(LevelSetting):
            columns = device_columns(getattr(self, name))
            if columns and self.reference_devices not in columns:
                raise ValueError(
                    f"reference_devices {self.reference_devices}: {name} has columns for "
                    f"{', '.join(map(str, columns))} GPUs; choose one of them"
                )
        return self
