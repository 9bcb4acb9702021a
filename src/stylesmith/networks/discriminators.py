"""Discriminators: which images are real? (StyleGAN2, Figure 7c)."""

import math

import torch
from torch import Tensor, nn

from stylesmith.config import DiscriminatorConfig, MappingConfig
from stylesmith.devices import FP32, Precision
from stylesmith.networks.layers import EqualizedConv2d, EqualizedLinear, ShortcutConv2d
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.ops import append_minibatch_stddev, lrelu


class ResidualBlock(nn.Module):
    """Two convolutions to half the resolution, and a shortcut around them."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv0 = EqualizedConv2d(in_channels, in_channels, 3)
        self.conv1 = EqualizedConv2d(in_channels, out_channels, 3, down=True)
        self.shortcut = ShortcutConv2d(in_channels, out_channels)

    def forward(self, x: Tensor, *, clamp: float | None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)`; the sum of two branches keeps unit variance."""
        gain = math.sqrt(0.5)
        shortcut = self.shortcut(x, gain=gain)
        x = self.conv0(x, clamp=clamp)
        return self.conv1(x, gain=gain, clamp=clamp) + shortcut


class Epilogue(nn.Module):
    """The base level: minibatch standard deviation, convolution, two linear layers; fp32."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        channels, outputs = config.channels(0), max(config.label_size, 1)
        self.group_size, self.features = config.stddev_group, config.stddev_features
        self.label_size = config.label_size
        self.project = bool(config.label_size) and config.label_mode == "projection"
        self.conv = EqualizedConv2d(channels + config.stddev_features, channels, 3)
        self.hidden = EqualizedLinear(channels * math.prod(config.base), channels)
        self.output = EqualizedLinear(channels, channels if self.project else outputs)
        if self.project:
            label_mapping = MappingConfig(z_dim=channels, w_dim=channels, label_mode="embed")
            self.label_mapping = LabelMapping(label_mapping, config.label_size)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Features `(N, C, h, w)` and labels `(N, label_size)` -> scores `(N,)`."""
        x = x.float()
        if self.features:
            x = append_minibatch_stddev(x, group_size=self.group_size, features=self.features)
        x = self.conv(x).flatten(1)
        x = self.output(lrelu(self.hidden(x)))
        if not self.label_size:
            return x.squeeze(1)
        assert label is not None, "a conditional network was called without labels"
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


class ResidualDiscriminator(nn.Module):
    """StyleGAN2's discriminator: residual blocks from the image down to the base grid."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        top = config.levels - 1
        self.from_rgb = EqualizedConv2d(config.image_channels, config.channels(top), 1)
        self.blocks = nn.ModuleList(
            ResidualBlock(config.channels(level), config.channels(level - 1))
            for level in range(top, 0, -1)
        )
        self.epilogue = Epilogue(config)

    def forward(
        self, images: Tensor, label: Tensor | None = None, *, precision: Precision = FP32
    ) -> Tensor:
        """Images `(N, C, H, W)` in -1..1 and labels `(N, label_size)` -> scores `(N,)`, fp32."""
        levels = self.config.levels
        images = images.contiguous(memory_format=torch.channels_last)
        x = self.from_rgb(images.to(precision.at(levels - 1, levels)), clamp=precision.clamp)
        for level, block in zip(range(levels - 1, 0, -1), self.blocks, strict=True):
            x = block(x.to(precision.at(level, levels)), clamp=precision.clamp)
        return self.epilogue(x, label)
