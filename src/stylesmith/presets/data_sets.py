"""The papers' data sets, and what the papers set differently for each.

A preset of a data set is a row of a table on it. It fixes size and channels and refuses others,
while rows themselves take both from the data.

Source: StyleGAN, section 2.1 and appendices C and E; StyleGAN2, Tables 1 and 3 and appendix B.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from stylesmith.config import AmountByLevel, DataConfig, RunConfig
from stylesmith.errors import ConfigError
from stylesmith.formatting import format_image_size

BuildConfig = Callable[[DataConfig], RunConfig]


@dataclass(frozen=True)
class PaperDataset:
    """Images as both papers trained on them: RGB, without labels."""

    key: str
    """Last part of the names of its presets."""
    title: str
    size: tuple[int, int]
    """Height and width in pixels."""
    mirror: bool = False
    """Whether the papers flip its images at random."""
    content_size: tuple[int, int] | None = None
    """Height and width of the picture between black bars; None where it fills the image."""

    def fit(self, data: DataConfig, *, preset: str, row: str) -> DataConfig:
        """The data with the published mirroring, for a preset of this data set.

        Args:
            data: The images at hand.
            preset: Name of the preset, for the message.
            row: Preset without a fixed data set, which would take these images.

        Raises:
            ConfigError: If size or channels differ, or labels are to be used.
        """
        advice = []
        if data.size != self.size:
            advice.append(f"--resolution {self.size[0]}")
            if self.content_size:
                picture = format_image_size(self.content_size)
                advice[0] = f"`data prepare --resolution {self.size[0]} --picture {picture}`"
        if data.channels != 3:
            advice.append("--channels 3")
        if data.label_size:
            advice.append("leave --conditional out")
        if advice:
            raise ConfigError(
                f"{preset} is for {self.describe()}, the data is {_describe_data(data)}; use "
                f"{row}, or {' and '.join(advice)}"
            )
        return data.change(mirror=data.mirror or self.mirror)

    def describe(self) -> str:
        """`512x512 RGB without labels (512x384 between black bars)`."""
        bars = (
            f" ({format_image_size(self.content_size)} between black bars)"
            if self.content_size
            else ""
        )
        return f"{format_image_size(self.size)} RGB without labels{bars}"


@dataclass(frozen=True)
class DatasetOverrides:
    """What a paper sets differently on a data set; None keeps the row's own value."""

    kimg: float | None = None
    r1_gamma: float | None = None
    loss: Literal["wgan_gp"] | None = None
    max_lr: float | None = None
    """Bound on both learning rates."""

    def apply(self, config: RunConfig) -> RunConfig:
        """The same run with these settings."""
        names = ("kimg", "r1_gamma", "loss")
        values = {name: getattr(self, name) for name in names}
        changes = {name: value for name, value in values.items() if value is not None}
        if self.max_lr is not None:
            for name in ("generator_lr", "discriminator_lr"):
                changes[name] = _cap_learning_rate(getattr(config.training, name), self.max_lr)
        return config.change(training=changes)


FFHQ = PaperDataset("ffhq", "FFHQ", (1024, 1024), mirror=True)
CELEBA_HQ = PaperDataset("celebahq", "CelebA-HQ", (1024, 1024), mirror=True)
BEDROOM = PaperDataset("bedroom", "LSUN Bedroom", (256, 256))
CAR = PaperDataset("car", "LSUN Car", (512, 512), content_size=(384, 512))
CAT = PaperDataset("cat", "LSUN Cat", (256, 256))
CHURCH = PaperDataset("church", "LSUN Church", (256, 256))
HORSE = PaperDataset("horse", "LSUN Horse", (256, 256))
DATA_SETS = (FFHQ, CELEBA_HQ, BEDROOM, CAR, CAT, CHURCH, HORSE)

STYLEGAN_OVERRIDES = {
    FFHQ: DatasetOverrides(),
    CELEBA_HQ: DatasetOverrides(kimg=12000.0, r1_gamma=0.0, loss="wgan_gp", max_lr=0.002),
    BEDROOM: DatasetOverrides(kimg=70000.0),
    CAR: DatasetOverrides(kimg=46000.0),
    CAT: DatasetOverrides(kimg=70000.0),
}
STYLEGAN2_OVERRIDES = {
    FFHQ: DatasetOverrides(),
    CAR: DatasetOverrides(kimg=57000.0),
    CAT: DatasetOverrides(kimg=88000.0),
    CHURCH: DatasetOverrides(kimg=48000.0, r1_gamma=100.0),
    HORSE: DatasetOverrides(kimg=100000.0, r1_gamma=100.0),
}


def build_on_dataset(
    dataset: PaperDataset,
    overrides: DatasetOverrides,
    row: str,
    build: BuildConfig,
    data: DataConfig,
) -> RunConfig:
    """A row of a table, named `row` and made by `build`, trained on a data set.

    Raises:
        ConfigError: If the images at hand are of another size or kind.
    """
    name = f"{row}-{dataset.key}"
    config = build(dataset.fit(data, preset=name, row=row))
    return overrides.apply(config).change(preset=name)


def _cap_learning_rate(setting: AmountByLevel, limit: float) -> Any:
    if isinstance(setting, dict):
        return {key: _cap_learning_rate(value, limit) for key, value in setting.items()}
    return min(setting, limit)


def _describe_data(data: DataConfig) -> str:
    kind = {1: "gray", 3: "RGB", 4: "RGBA"}[data.channels]
    labels = f" with labels of length {data.label_size}" if data.label_size else ""
    return f"{format_image_size(data.size)} {kind}{labels}"
