"""The architecture of a generator and a discriminator.

Both are pyramids: a base grid, doubled level by level. Square images have a 4x4 base; 512x384 is
a base of 3 rows and 4 columns doubled seven times.
"""

import re
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from stylesmith.choices import ResampleFilter
from stylesmith.config.base import Config, ConfigUnion
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
    """Fully connected layers; the papers use 8. Without any, w is the normalized z."""
    lr_multiplier: float = Field(default=0.01, gt=0)
    """Learning rate of the mapping relative to the rest."""
    w_avg_beta: float = Field(default=0.995, ge=0, le=1)
    """Decay per step of the running mean of w, the center of truncation."""
    label_mode: Literal["concat", "embed"] = "concat"
    """How a label enters: `concat` as in the papers, `embed` as in StyleGAN2-ADA."""

    @model_validator(mode="after")
    def _z_becomes_w(self) -> Self:
        if not self.layers and self.w_dim != self.z_dim:
            raise ValueError(
                f"without layers w is the normalized z: w_dim must be {self.z_dim} as z_dim is, "
                f"got {self.w_dim}"
            )
        return self


LevelConnection = Literal["grow", "orig", "skip", "resid", "multiscale"]
"""How the levels of a network are joined, and where images leave or enter (StyleGAN2, Figure 7)."""

LAYER_GROUPS: dict[str, tuple[int, int]] = {"coarse": (0, 2), "middle": (2, 4), "fine": (4, 12)}
"""First level of each group of layers, and the first one beyond it (StyleGAN, section 3.1): at a
4x4 base, coarse layers are 4x4 to 8x8, middle ones 16x16 to 32x32, fine ones all above."""


class GeneratorConfig(PyramidConfig, ConfigUnion):
    """Mapping network and synthesis network: a union of kinds, and what they have in common.

    Layers are counted from the base up. Each has one w and one noise map where a kind does not say
    otherwise.
    """

    kinds: ClassVar[dict[str, Any]] = {}
    family: ClassVar[str] = "stylegan"
    """The family of networks, which model cards name as a tag."""
    gain_in_weights: ClassVar[bool] = False
    """Whether He's gain spares the biases of the mapping network."""
    layers_per_level: ClassVar[int] = 2
    """Convolutions of a resolution."""

    kind: str = "modulated"
    """What w does: feeds the first layer (ProGAN), drives AdaIN (StyleGAN), or scales weights."""
    connection: LevelConnection = "orig"
    """How levels reach the image."""
    noise: bool = True
    """Per-pixel noise inputs (StyleGAN, section 2); without them an image depends on w alone."""
    mapping: MappingConfig = MappingConfig()
    """The mapping network."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 for an unconditional network."""

    @property
    def normalization(self) -> str:
        """Name of the normalization that keeps feature maps in range."""
        return "no normalization"

    @property
    def w_dim(self) -> int:
        """Length of w; without mapping layers it is z (and the embedded label), normalized."""
        joined = self.mapping.w_dim if self.label_size and not self.mapping.layers else 0
        return self.mapping.w_dim + joined

    def num_layers(self, level: int | None = None) -> int:
        """Layers of the levels up to this one; of all, 18 at 1024x1024, where none is given."""
        return self.layers_per_level * (self.levels if level is None else level + 1)

    def layer_groups(self, level: int | None = None) -> dict[str, tuple[int, ...]]:
        """Layers by group, of the levels up to this one or of all; empty groups are left out."""
        layers = range(self.num_layers(level))
        spans = {
            name: layers[self.layers_per_level * first : self.layers_per_level * beyond]
            for name, (first, beyond) in LAYER_GROUPS.items()
        }
        return {name: tuple(span) for name, span in spans.items() if span}

    @property
    def num_ws(self) -> int:
        """Inputs of w; one per layer, 18 at 1024x1024."""
        return self.num_ws_up_to(self.levels - 1)

    @property
    def noise_shapes(self) -> list[tuple[int, int]]:
        """Height and width of each noise map."""
        return self.noise_shapes_up_to(self.levels - 1)

    def num_ws_up_to(self, level: int) -> int:
        """Inputs of w that the images of a level depend on."""
        return self.num_layers(level)

    def noise_shapes_up_to(self, level: int) -> list[tuple[int, int]]:
        """Height and width of the noise maps of the levels up to this one; none without noise."""
        layers = range(self.num_layers(level)) if self.noise else ()
        return [self.size(layer // self.layers_per_level) for layer in layers]


class ProgressiveConfig(GeneratorConfig):
    """Generators of ProGAN and StyleGAN, whose levels fade in one after the other."""

    gain_in_weights = True

    connection: Literal["grow"] = "grow"
    """How levels reach the image: toRGB layers fade in one after the other (ProGAN, section 3)."""
    constant_input: bool = True
    """Start from a learned constant (StyleGAN, section 2); off, from a linear map of w."""
    blur: bool = True
    """Smooth behind every up-convolution; ProGAN goes without."""
    demodulate: Literal[True] = True
    """A choice of modulated networks only."""
    spectral_norm: Literal[False] = False
    """A choice of modulated networks only."""


class TraditionalConfig(ProgressiveConfig):
    """ProGAN's generator: w feeds the first layer (StyleGAN, Table 1, rows A and B)."""

    kind: Literal["traditional"] = "traditional"
    """The image depends on w through the first layer."""
    constant_input: Literal[False] = False
    """Features of the base grid are a linear map of w."""

    @property
    def normalization(self) -> str:
        """Name of the normalization that keeps feature maps in range."""
        return "pixel normalization"

    def num_ws_up_to(self, level: int) -> int:
        """One w at any level, in front of the first layer."""
        return 1


class AdaINConfig(ProgressiveConfig):
    """StyleGAN's generator: w drives adaptive instance normalization (StyleGAN, section 2)."""

    kind: Literal["adain"] = "adain"
    """A style sets mean and standard deviation of each feature map."""

    @property
    def normalization(self) -> str:
        """Name of the normalization that keeps feature maps in range."""
        return "instance normalization"


class ModulatedConfig(GeneratorConfig):
    """StyleGAN2's generator: w scales the weights of convolutions (StyleGAN2, section 2.2).

    Each convolution has a w and a noise map. The last layer is the last toRGB, which has no noise;
    every other toRGB shares the w of the convolution that follows.
    """

    family = "stylegan2"

    kind: Literal["modulated"] = "modulated"
    """A style scales the input channels of each convolution."""
    connection: LevelConnection = "skip"
    """How levels reach the image. `grow` fades toRGB layers in one after the other (ProGAN);
    `orig` has one at the top; `skip` sums an RGB image per level; `resid` sums features;
    `multiscale` gives an image at every level (StyleGAN2, Figure 7)."""
    constant_input: Literal[True] = True
    """Start from a learned constant (StyleGAN, section 2)."""
    blur: Literal[True] = True
    """Smooth behind every up-convolution."""
    demodulate: bool = True
    """Divide by the expected standard deviation (StyleGAN2, Eq. 3)."""
    spectral_norm: bool = False
    """Divide weights by their largest singular value (StyleGAN2, appendix E)."""

    @property
    def normalization(self) -> str:
        """Name of the normalization that keeps feature maps in range."""
        return "weight demodulation" if self.demodulate else "no normalization"

    def noise_shapes_up_to(self, level: int) -> list[tuple[int, int]]:
        """Shapes of one map per convolution: the base has one, every other level two."""
        return super().noise_shapes_up_to(level)[1:]


class DiscriminatorConfig(PyramidConfig, ConfigUnion):
    """The network that tells real images from generated ones: a union of kinds."""

    kinds: ClassVar[dict[str, Any]] = {}

    kind: str = "convolutional"
    """The family of networks that it belongs to."""
    connection: LevelConnection = "orig"
    """How images enter and levels are joined."""
    label_size: int = Field(default=0, ge=0)
    """Length of a label; 0 for an unconditional network."""


class ConvolutionalConfig(DiscriminatorConfig):
    """Discriminators of ProGAN, StyleGAN and StyleGAN2, which differ in how levels are joined."""

    kind: Literal["convolutional"] = "convolutional"
    """Convolutions at every level, then the minibatch standard deviation and two dense layers."""
    connection: LevelConnection = "resid"
    """How images enter and levels are joined. `grow` fades fromRGB layers in (ProGAN); `orig` has
    one at the top; `skip` adds the reduced image at every level; `resid` adds a shortcut around
    each block; `multiscale` takes an image for every level (StyleGAN2, Figure 7)."""
    resample: ResampleFilter = "[1,3,3,1]"
    """Filter that halves the resolution: ProGAN averages 2x2, StyleGAN blurs with [1,2,1] first."""
    spectral_norm: bool = False
    """Divide weights by their largest singular value (StyleGAN2, appendix E)."""
    stddev_group: int = Field(default=4, ge=1)
    """Images per group of the minibatch standard deviation."""
    stddev_features: int = Field(default=1, ge=0)
    """Feature maps it adds; 0 leaves it out."""
    label_mode: Literal["select", "projection"] = "select"
    """How a label enters: `select` one output as in the papers, `projection` as in ADA."""
    label_layers: int = Field(default=8, ge=0)
    """Layers between a label and the direction that scores are projected on."""
    label_lr_multiplier: float = Field(default=0.01, gt=0)
    """Learning rate of these layers relative to the rest."""


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


def parse_size(text: str, *, any_size: bool = False) -> tuple[int, int]:
    """Height and width from `256` or `WIDTHxHEIGHT`, as in `512x384`.

    Raises:
        ConfigError: If the text is no size, or a network cannot have that size.
    """
    match = re.fullmatch(r"\s*(\d+)(?:\s*[xX]\s*(\d+))?\s*", text)
    if not match:
        raise ConfigError(f"size {text!r}: wanted a number such as 256, or WIDTHxHEIGHT")
    width = int(match[1])
    height = int(match[2]) if match[2] else width
    if not any_size:
        base_grid(height, width)
    if not height * width:
        raise ConfigError(f"size {text!r}: wanted at least one pixel")
    return height, width
