"""The papers' data sets, and what the papers set differently for each.

A preset of a data set is a row of a table on it. It fixes size and channels and refuses others,
while rows themselves take both from the data.

Source: StyleGAN, section 2.1 and appendices C and E; StyleGAN2, Tables 1 and 3 and appendix B.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stylesmith.config import DataConfig, RunConfig
from stylesmith.config.training import map_setting
from stylesmith.errors import ConfigError
from stylesmith.formatting import format_image_size

PresetRow = tuple[str, str, str, Callable[..., RunConfig], *tuple[Any, ...]]
"""Preset, table of its paper, what changed, and the function with its arguments after the data."""


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
    """Height and width of the content between black bars; None where it fills the image."""

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
                content = format_image_size(self.content_size)
                advice[0] = f"`data prepare --resolution {self.size[0]} --picture {content}`"
        if data.channels != 3:
            advice.append("--channels 3")
        if data.label_size:
            advice.append("leave --conditional out")
        if advice:
            raise ConfigError(
                f"{preset} is for {self.describe()}, the data is {data.describe()}; use "
                f"{row}, or {' and '.join(advice)}"
            )
        return data.change(mirror=data.mirror or self.mirror)

    def describe(self) -> str:
        """`512x512 RGB without labels (512x384 between black bars)`."""
        content = self.content_size and format_image_size(self.content_size)
        bars = f" ({content} between black bars)" if content else ""
        return f"{format_image_size(self.size)} RGB without labels{bars}"


@dataclass(frozen=True)
class DatasetOverrides:
    """What a paper trained on a data set, and sets differently."""

    table: str
    """Where its results are."""
    rows: Sequence[str]
    """Names of the rows, without that of the paper."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Changed training settings."""
    max_lr: float | None = None
    """Bound on both learning rates."""

    def apply(self, config: RunConfig) -> RunConfig:
        """The same run with these settings."""
        changes = dict(self.training)
        limit = self.max_lr
        if limit is not None:
            for name in ("generator_lr", "discriminator_lr"):
                rates = getattr(config.training, name)
                changes[name] = map_setting(rates, lambda rate: min(rate, limit))
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
    FFHQ: DatasetOverrides("Table 1", "abcdef"),
    CELEBA_HQ: DatasetOverrides(
        "Table 1", "abcdef", {"kimg": 12000.0, "r1_gamma": 0.0, "loss": "wgan_gp"}, max_lr=0.002
    ),
    BEDROOM: DatasetOverrides("appendix E", "f", {"kimg": 70000.0}),
    CAR: DatasetOverrides("appendix E", "f", {"kimg": 46000.0}),
    CAT: DatasetOverrides("appendix E", "f", {"kimg": 70000.0}),
}
STYLEGAN2_OVERRIDES = {
    FFHQ: DatasetOverrides("Table 1", (*"abcdef", "a-large")),
    CAR: DatasetOverrides("Table 1", "abcdef", {"kimg": 57000.0}),
    CAT: DatasetOverrides("Table 3", "af", {"kimg": 88000.0}),
    CHURCH: DatasetOverrides("Table 3", "af", {"kimg": 48000.0, "r1_gamma": 100.0}),
    HORSE: DatasetOverrides("Table 3", "af", {"kimg": 100000.0, "r1_gamma": 100.0}),
}
