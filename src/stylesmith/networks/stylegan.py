"""Synthesis networks of ProGAN (traditional) and StyleGAN (AdaIN), which grow level by level.

Each level doubles the resolution and has two layers: convolution, noise, bias, leaky ReLU and a
normalization: over the channels of each pixel in ProGAN, adaptive instance normalization in
StyleGAN. He's gain sqrt2 is in the weights, so that it multiplies neither bias nor noise.

Source: ProGAN, sections 2 and 4, table 2; StyleGAN, section 2, Figure 1b, Tables 1 and 4.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from stylesmith.config import AdaINConfig, GeneratorConfig, ProgressiveConfig, TraditionalConfig
from stylesmith.networks.layers import EqualizedLinear, randn_kernels, style_of
from stylesmith.networks.synthesis import (
    LevelState,
    SynthesisInputs,
    SynthesisNetwork,
    growing_image,
)
from stylesmith.ops import (
    LRELU_GAIN,
    adain,
    bias_act_,
    conv2d,
    conv2d_up_nearest,
    linear,
    pixel_norm,
)

STYLEGAN_TAPS = (1.0, 2.0, 1.0)
"""StyleGAN's filter behind an up-convolution."""


class DenseInput(nn.Module):
    """A linear map of w to the features of the base grid; no bias."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.shape = (config.channels(0), *config.base)
        self.weight = nn.Parameter(torch.randn(math.prod(self.shape), config.w_dim))
        self.weight_gain = LRELU_GAIN / 4 / math.sqrt(config.w_dim)  # the 4 is ProGAN's choice

    def forward(self, w: Tensor) -> Tensor:
        """`(N, D)` -> `(N, C, h, w)`."""
        x = linear(w, self.weight * self.weight_gain).unflatten(1, self.shape)
        return x.contiguous(memory_format=torch.channels_last)


class PlainConv2d(nn.Module):
    """3x3 convolution without bias; optionally to twice the resolution."""

    def __init__(
        self, in_channels: int, out_channels: int, *, up: bool = False, blur: bool = False
    ):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, 3))
        self.weight_gain = LRELU_GAIN / math.sqrt(in_channels * 9)
        self.up, self.taps = up, STYLEGAN_TAPS if blur else None

    def forward(self, x: Tensor) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H, W)`, or twice H and W."""
        weight = (self.weight * self.weight_gain).to(x.dtype)
        return conv2d_up_nearest(x, weight, taps=self.taps) if self.up else conv2d(x, weight)


class PlainToRGB(nn.Module):
    """Features to image channels: a 1x1 convolution and a bias."""

    def __init__(self, in_channels: int, image_channels: int):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(image_channels, in_channels, 1))
        self.bias = nn.Parameter(torch.zeros(image_channels))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, *, clamp: float | None = None) -> Tensor:
        """`(N, I, H, W)` -> fp32 image `(N, image_channels, H, W)`."""
        rgb = conv2d(x, (self.weight * self.weight_gain).to(x.dtype))
        rgb = rgb.float() + self.bias[:, None, None]
        return rgb if clamp is None else rgb.clamp(-clamp, clamp)


class TraditionalLayer(nn.Module):
    """What follows a source of features: noise, bias, leaky ReLU, and a normalization."""

    def __init__(self, source: nn.Module, channels: int, *, noise: bool):
        super().__init__()
        self.source = source
        self.bias = nn.Parameter(torch.zeros(channels))
        self.noise_strength = nn.Parameter(torch.zeros(channels)) if noise else None

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        noise: Tensor | None,
        style_offset: Tensor | None = None,
        *,
        clamp: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Input of the source, w `(N, D)`, noise `(N or 1, 1, H, W)` -> `(N, C, H, W)`.

        Returns:
            The output of the normalization, and its input.
        """
        x = self.source(x)
        if noise is not None and self.noise_strength is not None:
            strength = self.noise_strength[:, None, None]
            x = torch.addcmul(x, noise.to(x.dtype), strength.to(x.dtype))
        x = bias_act_(x, self.bias, clamp=clamp)
        return self.normalize(x, w, style_offset), x

    def normalize(self, x: Tensor, w: Tensor, style_offset: Tensor | None = None) -> Tensor:
        """Unit length over channels at each pixel, whatever w is (ProGAN, section 4.2)."""
        return pixel_norm(x)


LayerFactory = Callable[[nn.Module, int], TraditionalLayer]
"""From a source of features and their number to a layer."""


class TraditionalBlock(nn.Module):
    """The two layers of one resolution."""

    def __init__(self, source: nn.Module, channels: int, make_layer: LayerFactory):
        super().__init__()
        self.layer0 = make_layer(source, channels)
        self.layer1 = make_layer(PlainConv2d(channels, channels), channels)

    def forward(
        self, x: Tensor, inputs: SynthesisInputs, level: int, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Input of the first source -> features of the level, and the last normalization's input.

        The second convolution computes in `dtype`.
        """
        clamp = inputs.precision.clamp
        x, _ = self.layer0(x, *inputs.of_layer(2 * level), clamp=clamp)
        x, normalization_input = self.layer1(
            x.to(dtype), *inputs.of_layer(2 * level + 1), clamp=clamp
        )
        return x, normalization_input


class ProgressiveSynthesis(SynthesisNetwork):
    """Blocks with a toRGB layer each, of which the highest in use makes the image.

    Convolutions compute in the format that `precision` names, the input layer in fp32: a constant
    has no variance, and normalizing it sends back very large gradients.
    """

    def __init__(self, config: ProgressiveConfig, base: nn.Module, make_layer: LayerFactory):
        super().__init__(config)
        widths = [config.channels(level) for level in range(config.levels)]
        sources = [base] + [
            PlainConv2d(i, o, up=True, blur=config.blur) for i, o in pairwise(widths)
        ]
        self.blocks = nn.ModuleList(
            TraditionalBlock(source, width, make_layer)
            for source, width in zip(sources, widths, strict=True)
        )
        self.to_rgb = nn.ModuleList(PlainToRGB(width, config.image_channels) for width in widths)
        self.register_noise()

    @property
    def affines(self) -> dict[str, EqualizedLinear]:
        """See `SynthesisNetwork.affines`; only AdaIN layers have styles."""
        layers = (layer for block in self.blocks for layer in (block.layer0, block.layer1))
        return {
            str(number): layer.affine
            for number, layer in enumerate(layers)
            if isinstance(layer, AdaINLayer)
        }

    def block_at(
        self, level: int, below: Tensor | None, inputs: SynthesisInputs
    ) -> tuple[Tensor, Tensor | None]:
        """Features of a level, and the input of its last AdaIN."""
        dtype = inputs.precision.dtype_at(level, self.config.levels)
        x = inputs.ws[:, 0] if below is None else below.to(dtype)
        block = self.blocks[level]
        features, normalization_input = block(x, inputs, level, dtype)
        return features, normalization_input if isinstance(block.layer1, AdaINLayer) else None

    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor | None, Tensor | None]:
        """The image of the highest level in use."""
        clamp = inputs.precision.clamp
        image = growing_image(
            lambda at, x: self.to_rgb[at](x, clamp=clamp), level, features, below, inputs.growth
        )
        return image, image


class TraditionalSynthesis(ProgressiveSynthesis):
    """ProGAN's generator: w enters once, at the bottom; features keep unit length."""

    def __init__(self, config: TraditionalConfig):
        super().__init__(
            config,
            DenseInput(config),
            lambda source, channels: TraditionalLayer(source, channels, noise=config.noise),
        )


class ConstantInput(nn.Module):
    """The learned features of the base grid that every image starts from; ones at first."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.const = nn.Parameter(torch.ones(1, config.channels(0), *config.base))

    def forward(self, w: Tensor) -> Tensor:
        """As many copies `(N, C, h, w)` as there are rows of `w`."""
        x = self.const.repeat(w.shape[0], 1, 1, 1)  # a copy, for layers work in place
        return x.contiguous(memory_format=torch.channels_last)


class AdaINLayer(TraditionalLayer):
    """A layer whose normalization is an adaptive one: statistics of each feature map by style."""

    def __init__(self, source: nn.Module, channels: int, w_dim: int, *, noise: bool):
        super().__init__(source, channels, noise=noise)
        self.affine = EqualizedLinear(w_dim, 2 * channels)

    def normalize(self, x: Tensor, w: Tensor, style_offset: Tensor | None = None) -> Tensor:
        """The style is learned around scale 1 and shift 0."""
        scale, shift = style_of(self.affine, w, style_offset).chunk(2, dim=1)
        return adain(x, scale + 1, shift)


class AdaINSynthesis(ProgressiveSynthesis):
    """StyleGAN's generator; one w and one noise map per layer, 18 at 1024x1024."""

    def __init__(self, config: AdaINConfig):
        super().__init__(
            config,
            ConstantInput(config) if config.constant_input else DenseInput(config),
            lambda source, channels: AdaINLayer(source, channels, config.w_dim, noise=config.noise),
        )
