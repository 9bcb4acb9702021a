"""Discriminators and their blocks (StyleGAN2, Figure 7, below the dashed line).

All of them reduce the image to the base grid, block by block, and end in the same epilogue. They
differ in the levels where images enter and in the connections around a block.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stylesmith.choices import ResampleFilter
from stylesmith.config import ConvolutionalConfig, MappingConfig
from stylesmith.devices import FP32, Precision
from stylesmith.errors import ShapeError, UsageError
from stylesmith.networks.growth import Growth, levels_in_use, match_growth
from stylesmith.networks.layers import (
    WEIGHT_GAIN_ONLY,
    EqualizedConv2d,
    EqualizedLinear,
    ShortcutConv2d,
)
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.ops import append_minibatch_stddev, downsample2d, lrelu


class FeedforwardBlock(nn.Module):
    """One level: a convolution, and one to half the resolution."""

    def __init__(self, config: ConvolutionalConfig, level: int):
        super().__init__()
        above, below = config.channels(level), config.channels(level - 1)
        self.conv0 = conv_layer(config, above, above)
        self.conv1 = conv_layer(config, above, below, down=True)

    def forward(self, x: Tensor, *, clamp: float | None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)`."""
        return self.conv1(self.conv0(x, clamp=clamp), clamp=clamp)


class ResidualBlock(FeedforwardBlock):
    """One level, and a shortcut around it."""

    def __init__(self, config: ConvolutionalConfig, level: int):
        super().__init__(config, level)
        self.shortcut = ShortcutConv2d(
            config.channels(level),
            config.channels(level - 1),
            resample=config.resample,
            spectral_norm=config.spectral_norm,
        )

    def forward(self, x: Tensor, *, clamp: float | None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)`; the sum of two branches keeps unit variance."""
        gain = math.sqrt(0.5)
        shortcut = self.shortcut(x, gain=gain)
        x = self.conv0(x, clamp=clamp)
        return self.conv1(x, gain=gain, clamp=clamp) + shortcut


class Epilogue(nn.Module):
    """The base level: minibatch standard deviation, convolution, two linear layers; fp32."""

    def __init__(self, config: ConvolutionalConfig):
        super().__init__()
        channels, outputs = config.channels(0), max(config.label_size, 1)
        self.group_size, self.features = config.stddev_group, config.stddev_features
        self.label_size = config.label_size
        self.project = bool(config.label_size) and config.label_mode == "projection"
        self.conv = conv_layer(config, channels + config.stddev_features, channels)
        self.hidden = EqualizedLinear(
            channels * math.prod(config.base),
            channels,
            bias_gain=bias_gain(config),
            spectral_norm=config.spectral_norm,
        )
        self.output = EqualizedLinear(
            channels, channels if self.project else outputs, spectral_norm=config.spectral_norm
        )
        if self.project:
            mapping = MappingConfig(
                z_dim=channels,
                w_dim=channels,
                layers=config.label_layers,
                lr_multiplier=config.label_lr_multiplier,
                label_mode="embed",
            )
            self.label_mapping = LabelMapping(mapping, config.label_size)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Features `(N, C, h, w)` and labels `(N, label_size)` -> scores `(N,)`."""
        x = x.float()
        if self.features:
            x = append_minibatch_stddev(x, group_size=self.group_size, features=self.features)
        x = self.conv(x).flatten(1)
        x = self.output(lrelu(self.hidden(x)))
        if not self.label_size:
            return x.squeeze(1)
        if label is None:
            raise UsageError("this network is conditional: it was called without labels")
        if self.project:
            return (x * self.label_mapping(label)).sum(1) / math.sqrt(x.shape[1])
        return (x * label).sum(1)


class LabelMapping(MappingNetwork):
    """A mapping network without z: label to the direction that scores are projected on (ADA)."""

    def __init__(self, config: MappingConfig, label_size: int):
        super().__init__(config, label_size=0)
        self.embed = EqualizedLinear(label_size, config.w_dim)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Label `(N, label_size)` -> `(N, w_dim)`."""
        return super().forward(self.embed(z), label)


def from_rgb(config: ConvolutionalConfig, level: int) -> EqualizedConv2d:
    """Images of a level to its features."""
    return conv_layer(config, config.image_channels, config.channels(level), kernel_size=1)


def conv_layer(
    config: ConvolutionalConfig,
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: int = 3,
    down: bool = False,
) -> EqualizedConv2d:
    """A layer in the form that the config asks for."""
    return EqualizedConv2d(
        in_channels,
        out_channels,
        kernel_size,
        down=down,
        resample=config.resample,
        bias_gain=bias_gain(config),
        spectral_norm=config.spectral_norm,
    )


def bias_gain(config: ConvolutionalConfig) -> float:
    """ProGAN and StyleGAN, told by their filters, have the activation's gain in the weights."""
    return 1.0 if config.resample == "[1,3,3,1]" else WEIGHT_GAIN_ONLY


class Discriminator(nn.Module):
    """From images (and labels) to scores; a network without growing always uses all levels."""

    epilogue: Epilogue

    def __init__(self, config: ConvolutionalConfig):
        super().__init__()
        self.config = config

    def prepare_reals(self, images: Tensor, growth: Growth | None = None) -> list[Tensor]:
        """Real images `(N, C, H, W)` of full size as the inputs of `score`."""
        top = self.config.levels - 1
        return [match_growth(images, top, growth or Growth(top))]

    def image_layers(self) -> list[nn.Module]:
        """Layers with weights from the image on, in the order of Freeze-D (Mo et al. 2020).

        fromRGB, then of each level its convolutions, its shortcut where it has one, and the fromRGB
        of the next level where every level has its own. The epilogue is none of them.
        """
        parts = dict(self.named_children())
        first = parts["from_rgb"]
        own = list(first) if isinstance(first, nn.ModuleList) else [first]
        layers = own[:1]
        for index, block in enumerate(parts["blocks"].children()):
            layers += [*block.children(), *own[index + 1 : index + 2]]
        return layers

    def score(
        self,
        inputs: Sequence[Tensor],
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Scores `(N,)` of what `prepare_reals` and a generator's `forward_pyramid` return."""
        scores: Tensor = self(inputs[-1], label, growth=growth, precision=precision)
        return scores


class OrigDiscriminator(Discriminator):
    """StyleGAN's discriminator without growing: the image enters at the top."""

    def __init__(
        self, config: ConvolutionalConfig, *, block: type[FeedforwardBlock] = FeedforwardBlock
    ):
        super().__init__(config)
        self.from_rgb = from_rgb(config, config.levels - 1)
        self.blocks = nn.ModuleList(block(config, level) for level in block_levels(config))
        self.epilogue = Epilogue(config)

    def forward(
        self,
        images: Tensor,
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Images `(N, C, H, W)` in -1..1 and labels `(N, label_size)` -> scores `(N,)`, fp32."""
        levels = self.config.levels
        levels_in_use(growth, levels, grows=False)
        images = images.contiguous(memory_format=torch.channels_last)
        x = self.from_rgb(images.to(precision.dtype_at(levels - 1, levels)), clamp=precision.clamp)
        for level, block in zip(block_levels(self.config), self.blocks, strict=True):
            x = block(x.to(precision.dtype_at(level, levels)), clamp=precision.clamp)
        return self.epilogue(x, label)


class ResidualDiscriminator(OrigDiscriminator):
    """StyleGAN2's discriminator: residual blocks from the image down to the base grid."""

    def __init__(self, config: ConvolutionalConfig):
        super().__init__(config, block=ResidualBlock)


class MultiInputDiscriminator(Discriminator):
    """A discriminator whose every level has its own fromRGB; three connections share it."""

    def __init__(self, config: ConvolutionalConfig):
        super().__init__(config)
        self.from_rgb = nn.ModuleList(
            from_rgb(config, level) for level in [*block_levels(config), 0]
        )
        self.blocks = nn.ModuleList(
            FeedforwardBlock(config, level) for level in block_levels(config)
        )
        self.epilogue = Epilogue(config)

    def from_rgb_at(self, images: Tensor, level: int, precision: Precision) -> Tensor:
        """Images of a level to its features."""
        dtype = precision.dtype_at(level, self.config.levels)
        images = images.contiguous(memory_format=torch.channels_last).to(dtype)
        return self.from_rgb[self.config.levels - 1 - level](images, clamp=precision.clamp)

    def block_at(self, x: Tensor, level: int, precision: Precision) -> Tensor:
        """Features of a level to those of the level below."""
        x = x.to(precision.dtype_at(level, self.config.levels))
        return self.blocks[self.config.levels - 1 - level](x, clamp=precision.clamp)

    def score_pyramid(
        self, pyramid: Sequence[Tensor], label: Tensor | None, precision: Precision
    ) -> Tensor:
        """Scores of images that enter at all levels, smallest first; features are summed."""
        *lower, top = pyramid
        x = self.from_rgb_at(top, len(lower), precision)
        for level in range(len(lower), 0, -1):
            x = self.block_at(x, level, precision)
            entered = self.from_rgb_at(lower[level - 1], level - 1, precision)
            x = x.to(entered.dtype) + entered
        return self.epilogue(x, label)


class GrowingDiscriminator(MultiInputDiscriminator):
    """Levels fade in one after the other (ProGAN, section 2); also StyleGAN2's rows B to D.

    While a level fades in, the image reduced to the level below enters there as well, and the two
    kinds of features are blended behind the new block.
    """

    def forward(
        self,
        images: Tensor,
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Images `(N, C, H, W)` of the highest level in use, in -1..1 -> scores `(N,)`, fp32."""
        growth = levels_in_use(growth, self.config.levels)
        images = images.contiguous(memory_format=torch.channels_last)
        x = self.from_rgb_at(images, growth.level, precision)
        for level in range(growth.level, 0, -1):
            x = self.block_at(x, level, precision)
            if level == growth.level and growth.fade < 1:
                lower = self.from_rgb_at(downsample2d(images, "box"), level - 1, precision)
                x = torch.lerp(lower, x.to(lower.dtype), growth.fade)
        return self.epilogue(x, label)


class SkipDiscriminator(MultiInputDiscriminator):
    """The image enters at every level, reduced (StyleGAN2, Figure 7b)."""

    def forward(
        self,
        images: Tensor,
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Images `(N, C, H, W)` in -1..1 and labels `(N, label_size)` -> scores `(N,)`, fp32."""
        levels_in_use(growth, self.config.levels, grows=False)
        pyramid = image_pyramid(images, self.config.levels, resample=self.config.resample)
        return self.score_pyramid(pyramid, label, precision)


class MultiscaleDiscriminator(MultiInputDiscriminator):
    """An image of its own enters at every level (MSG-GAN; StyleGAN2, Figure 7a)."""

    def forward(
        self,
        images: Sequence[Tensor],
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """One image per level `(N, C, h, w)`, smallest first, in -1..1 -> scores `(N,)`, fp32.

        Raises:
            ShapeError: If there are more or fewer images than levels.
        """
        levels = self.config.levels
        levels_in_use(growth, levels, grows=False)
        if len(images) != levels:
            raise ShapeError(f"wanted an image for each of {levels} levels, got {len(images)}")
        return self.score_pyramid(images, label, precision)

    def prepare_reals(self, images: Tensor, growth: Growth | None = None) -> list[Tensor]:
        """Real images at every level, smallest first."""
        return image_pyramid(images, self.config.levels, resample=self.config.resample)

    def score(
        self,
        inputs: Sequence[Tensor],
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Scores `(N,)` of images at every level."""
        scores: Tensor = self(inputs, label, growth=growth, precision=precision)
        return scores


def image_pyramid(
    images: Tensor, levels: int, *, resample: ResampleFilter = "[1,3,3,1]"
) -> list[Tensor]:
    """Images `(N, C, H, W)` at every level, smallest first; the last are the images themselves."""
    pyramid = [images.contiguous(memory_format=torch.channels_last)]
    while len(pyramid) < levels:
        pyramid.append(downsample2d(pyramid[-1], resample))
    return pyramid[::-1]


def block_levels(config: ConvolutionalConfig) -> range:
    """Levels that have a block, in the order of the blocks: from the top to just above the base."""
    return range(config.levels - 1, 0, -1)
