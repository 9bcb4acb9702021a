"""What StyleGAN2's generators are built of: one block per level (StyleGAN2, Figures 2d and 7)."""

import math

from torch import Tensor, nn

from stylesmith.config import GeneratorConfig
from stylesmith.networks.layers import ShortcutConv2d, StyledConv2d, ToRGB
from stylesmith.networks.synthesis import NoiseMaps


class StyleBlock(nn.Module):
    """One resolution: up-convolution (not at the base) and convolution."""

    def __init__(self, config: GeneratorConfig, level: int):
        super().__init__()
        if level > 0:
            self.conv0 = style_layer(config, level - 1, level)
        self.conv1 = style_layer(config, level, level)
        self.level = level

    def forward(
        self,
        x: Tensor,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        gain: float = 1.0,
        clamp: float | None = None,
    ) -> Tensor:
        """Features of the level below -> features of this level, multiplied by `gain`.

        `ws` `(N, 3, D)` feeds conv0, conv1 and toRGB, `noise` conv0 and conv1; at the base the
        first of each is absent.
        """
        if self.level > 0:
            x = self.conv0(x, ws[:, 0], noise[0], clamp=clamp)
        return self.conv1(x, ws[:, -2], noise[-1], gain=gain, clamp=clamp)


class SkipBlock(StyleBlock):
    """One resolution, and its image."""

    def __init__(self, config: GeneratorConfig, level: int):
        super().__init__(config, level)
        self.to_rgb = to_rgb(config, level)


class ResidualStyleBlock(StyleBlock):
    """One resolution, and a shortcut around it that no style modulates (not at the base)."""

    def __init__(self, config: GeneratorConfig, level: int):
        super().__init__(config, level)
        if level > 0:
            below, channels = config.channels(level - 1), config.channels(level)
            self.shortcut = ShortcutConv2d(
                below, channels, up=True, spectral_norm=config.spectral_norm
            )

    def forward(
        self,
        x: Tensor,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        gain: float = 1.0,
        clamp: float | None = None,
    ) -> Tensor:
        """As in a plain block; the sum of two branches keeps unit variance."""
        if self.level == 0:
            return super().forward(x, ws, noise, gain=gain, clamp=clamp)
        gain *= math.sqrt(0.5)
        return super().forward(x, ws, noise, gain=gain, clamp=clamp) + self.shortcut(x, gain=gain)


def style_layer(config: GeneratorConfig, below: int, level: int) -> StyledConv2d:
    """A style block's convolution from one level to the same or the next."""
    return StyledConv2d(
        config.channels(below),
        config.channels(level),
        config.w_dim,
        up=level > below,
        noise=config.noise,
        demodulate=config.demodulate,
        spectral_norm=config.spectral_norm,
    )


def to_rgb(config: GeneratorConfig, level: int) -> ToRGB:
    """Features of a level to an image."""
    return ToRGB(
        config.channels(level),
        config.image_channels,
        config.w_dim,
        spectral_norm=config.spectral_norm,
    )
