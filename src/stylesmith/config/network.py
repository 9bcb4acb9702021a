"""The architecture of a generator and a discriminator.

Both are pyramids: a base grid, doubled level by level. Square images have a 4x4 base; 512x384 is
a base of 3 rows and 4 columns doubled seven times.
"""

import re
from typing import Literal

from pydantic import Field, field_validator

from stylesmith.config.base import Config
from stylesmith.errors import ConfigError


class PyramidConfig(Config):
    """Resolutions and widths that a generator and a discriminator have in common."""

    base: tuple[int, int] = (4, 4)
    """Height and width of the lowest level."""
    levels: int = Field(default=9, ge=2, le=12)
    """Resolutions from the base up; nine levels of a 4x4 base end at 1024x1024."""
    image_channels: Literal[1, 3, 4] = 3
    """1 is grey, 3 is RGB, 4 is RGB with alpha."""
    channel_base: int = Field(default=32768, ge=1)
    """Feature maps times resolution: 32768 in StyleGAN2's config F, 16384 in all others."""
    max_channels: int = Field(default=512, ge=1)
    """Most feature maps of any level."""

    @field_validator("base")
    @classmethod
    def _base_in_range(cls, base: tuple[int, int]) -> tuple[int, int]:
        if not 4 <= max(base) < 8 or min(base) < 1:
            raise ValueError("the longer side of the base grid must be 4 to 7")
        return base

    def channels(self, level: int) -> int:
        """Feature maps of a level, counted from 0 at the base."""
        return max(1, min(self.channel_base // (4 << level), self.max_channels))

    def size(self, level: int | None = None) -> tuple[int, int]:
        """Height and width of a level; of the image where no level is given."""
        level = self.levels - 1 if level is None else level
        return (self.base[0] << level, self.base[1] << level)


class MappingConfig(Config):
    """The mapping network f: z (and label) to w."""

    z_dim: int = Field(default=512, ge=1)
    """Length of the latent z."""
    w_dim: int = Field(default=512, ge=1)
    """Length of the intermediate latent w, and width of the hidden layers."""
    layers: int = Field(default=8, ge=0)
    """Fully connected layers; the papers use 8."""
    lr_multiplier: float = Field(default=0.01, gt=0)
    """Learning rate of the mapping relative to the rest."""
    w_avg_beta: float = Field(default=0.995, ge=0, le=1)
    """Decay per step of the running mean of w, the center of truncation."""
    label_mode: Literal["concat", "embed"] = "concat"
    """How a label enters: `concat` as in the papers, `embed` as in StyleGAN2-ADA."""


class GeneratorConfig(PyramidConfig):
    """Mapping network and synthesis network."""

    connection: Literal["skip"] = "skip"
    """How levels reach the image (StyleGAN2, Figure 7): `skip` sums an RGB image per level."""
    noise: bool = True
    """Per-pixel noise inputs (StyleGAN, section 2); without them an image depends on w alone."""
    mapping: MappingConfig = MappingConfig()
    """The mapping network."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 for an unconditional network."""

    @property
    def num_ws(self) -> int:
        """Inputs of w: one per convolution, and one for the last toRGB (18 at 1024x1024)."""
        return 2 * self.levels

    @property
    def noise_shapes(self) -> list[tuple[int, int]]:
        """Height and width of each noise map: one at the base, two at every other level."""
        if not self.noise:
            return []
        return [self.size((i + 1) // 2) for i in range(2 * self.levels - 1)]


class DiscriminatorConfig(PyramidConfig):
    """The network that tells real images from generated ones."""

    connection: Literal["resid"] = "resid"
    """How levels are joined (StyleGAN2, Figure 7): `resid` adds a shortcut around each block."""
    stddev_group: int = Field(default=4, ge=1)
    """Images per group of the minibatch standard deviation."""
    stddev_features: int = Field(default=1, ge=0)
    """Feature maps it adds; 0 leaves it out."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 for an unconditional network."""
    label_mode: Literal["select", "projection"] = "select"
    """How a label enters: `select` one output as in the papers, `projection` as in ADA."""


def base_grid(height: int, width: int) -> tuple[tuple[int, int], int]:
    """Base grid and number of levels of an image size: `(384, 512)` -> `((3, 4), 8)`.

    Raises:
        ConfigError: If the size is not a small grid doubled at least once, or is square and not a
            power of two.
    """
    base, levels = (height, width), 1
    while max(base) >= 8 and base[0] % 2 == 0 and base[1] % 2 == 0:
        base, levels = (base[0] // 2, base[1] // 2), levels + 1
    square_misfit = height == width and base != (4, 4)
    if square_misfit or not 4 <= max(base) < 8 or not 2 <= levels <= 12:
        wanted = (
            "a power of two from 8 to 8192"
            if height == width
            else "a small grid doubled several times, such as 512x384 = 4x3 doubled 7 times"
        )
        raise ConfigError(f"size {width}x{height}: wanted {wanted}")
    return base, levels


def parse_size(text: str) -> tuple[int, int]:
    """Height and width from `256` or `WIDTHxHEIGHT`, as in `512x384`.

    Raises:
        ConfigError: If the text is no size, or a network cannot have that size.
    """
    match = re.fullmatch(r"\s*(\d+)(?:\s*[xX]\s*(\d+))?\s*", text)
    if not match:
        raise ConfigError(f"size {text!r}: wanted a number such as 256, or WIDTHxHEIGHT")
    width = int(match[1])
    height = int(match[2]) if match[2] else width
    base_grid(height, width)
    return height, width
