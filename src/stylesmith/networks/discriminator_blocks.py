"""What discriminators are built of: a block per level, and the epilogue that all share."""

import math

from torch import Tensor, nn

from stylesmith.config import DiscriminatorConfig, MappingConfig
from stylesmith.networks.layers import (
    WEIGHT_GAIN_ONLY,
    EqualizedConv2d,
    EqualizedLinear,
    ShortcutConv2d,
)
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.ops import append_minibatch_stddev, lrelu


class FeedforwardBlock(nn.Module):
    """One level: a convolution, and one to half the resolution."""

    def __init__(self, config: DiscriminatorConfig, level: int):
        super().__init__()
        above, below = config.channels(level), config.channels(level - 1)
        self.conv0 = conv_layer(config, above, above)
        self.conv1 = conv_layer(config, above, below, down=True)

    def forward(self, x: Tensor, *, clamp: float | None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)`."""
        return self.conv1(self.conv0(x, clamp=clamp), clamp=clamp)


class ResidualBlock(FeedforwardBlock):
    """One level, and a shortcut around it."""

    def __init__(self, config: DiscriminatorConfig, level: int):
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

    def __init__(self, config: DiscriminatorConfig):
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


def from_rgb(config: DiscriminatorConfig, level: int) -> EqualizedConv2d:
    """Images of a level to its features."""
    return conv_layer(config, config.image_channels, config.channels(level), kernel_size=1)


def conv_layer(
    config: DiscriminatorConfig,
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


def bias_gain(config: DiscriminatorConfig) -> float:
    """ProGAN and StyleGAN, told by their filters, have the activation's gain in the weights."""
    return 1.0 if config.resample == "[1,3,3,1]" else WEIGHT_GAIN_ONLY
