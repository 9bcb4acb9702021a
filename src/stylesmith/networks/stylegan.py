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
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.config import AdaINConfig, GeneratorConfig, ProgressiveConfig, TraditionalConfig
from stylesmith.devices import FP32, Precision
from stylesmith.networks.growth import Growth, levels_in_use
from stylesmith.networks.layers import EqualizedLinear, randn_kernels
from stylesmith.networks.synthesis import NoiseMaps, NoisyNetwork
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
        self, x: Tensor, w: Tensor, noise: Tensor | None, *, clamp: float | None = None
    ) -> Tensor:
        """Input of the source, w `(N, D)`, noise `(N or 1, 1, H, W)` -> `(N, C, H, W)`."""
        x = self.source(x)
        if noise is not None and self.noise_strength is not None:
            strength = self.noise_strength[:, None, None]
            x = torch.addcmul(x, noise.to(x.dtype), strength.to(x.dtype))
        x = bias_act_(x, self.bias, clamp=clamp)
        return self.normalize(x, w)

    def normalize(self, x: Tensor, w: Tensor) -> Tensor:
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
        self, x: Tensor, ws: Tensor, noise: NoiseMaps, *, dtype: torch.dtype, clamp: float | None
    ) -> Tensor:
        """Input of the first source, and w `(N, 2, D)` and noise of both layers -> features."""
        x = self.layer0(x, ws[:, 0], noise[0], clamp=clamp)
        return self.layer1(x.to(dtype), ws[:, 1], noise[1], clamp=clamp)


class ProgressiveSynthesis(NoisyNetwork):
    """Blocks with a toRGB layer each, of which the highest in use makes the image.

    Convolutions compute in the format that `precision` names, the input layer in fp32: a constant
    has no variance, and normalizing it sends back very large gradients.
    """

    def __init__(self, config: ProgressiveConfig, base: nn.Module, make_layer: LayerFactory):
        super().__init__()
        self.config = config
        widths = [config.channels(level) for level in range(config.levels)]
        sources = [base] + [
            PlainConv2d(i, o, up=True, blur=config.blur) for i, o in pairwise(widths)
        ]
        self.blocks = nn.ModuleList(
            TraditionalBlock(source, width, make_layer)
            for source, width in zip(sources, widths, strict=True)
        )
        self.to_rgb = nn.ModuleList(PlainToRGB(width, config.image_channels) for width in widths)
        self.register_noise(config.noise_shapes)

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """`(N, num_ws, D)` and one noise map per layer, or none -> images `(N, C, H, W)`, fp32.

        Images have the size of the highest level in use. While it fades in, they are mixed with the
        repeated pixels of the level below.

        Raises:
            UsageError: If the network has no such level.
        """
        levels = self.config.levels
        growth, clamp = levels_in_use(growth, levels), precision.clamp
        ws = ws.expand(-1, 2 * levels, -1)  # a traditional network has one w, for its first layer
        noise = noise or [None] * (2 * levels)
        x = below = ws[:, 0]
        for level, block in enumerate(self.blocks[: growth.level + 1]):
            below, dtype = x, precision.dtype_at(level, levels)
            pair = slice(2 * level, 2 * level + 2)
            x = x.to(dtype) if level else x
            x = block(x, ws[:, pair], noise[pair], dtype=dtype, clamp=clamp)
        image = self.to_rgb[growth.level](x, clamp=clamp)
        if growth.fade == 1:
            return image
        lower = self.to_rgb[growth.level - 1](below, clamp=clamp)
        return torch.lerp(F.interpolate(lower, scale_factor=2, mode="nearest"), image, growth.fade)


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

    def normalize(self, x: Tensor, w: Tensor) -> Tensor:
        """The style is learned around scale 1 and shift 0."""
        scale, shift = self.affine(w).chunk(2, dim=1)
        return adain(x, scale + 1, shift)


class AdaINSynthesis(ProgressiveSynthesis):
    """StyleGAN's generator; one w and one noise map per layer, 18 at 1024x1024."""

    def __init__(self, config: AdaINConfig):
        super().__init__(
            config,
            ConstantInput(config) if config.constant_input else DenseInput(config),
            lambda source, channels: AdaINLayer(source, channels, config.w_dim, noise=config.noise),
        )
