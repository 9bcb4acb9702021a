"""StyleGAN2's synthesis network g: from w to an image (StyleGAN2, Figures 2d and 7).

All connections go up through the same style blocks and differ in how levels reach the image, as
Figure 7 shows above its dashed line; `grow` is the network of rows B to D of Table 1.
"""

import math
from collections import deque
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.config import ModulatedConfig
from stylesmith.devices import FP32, Precision
from stylesmith.networks.growth import Growth, levels_in_use
from stylesmith.networks.layers import ShortcutConv2d, StyledConv2d, ToRGB
from stylesmith.networks.synthesis import NoiseMaps, NoisyNetwork
from stylesmith.ops import upsample2d


class StyleBlock(nn.Module):
    """One resolution: up-convolution (not at the base) and convolution."""

    def __init__(self, config: ModulatedConfig, level: int):
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

    def __init__(self, config: ModulatedConfig, level: int):
        super().__init__(config, level)
        self.to_rgb = to_rgb(config, level)


class ResidualStyleBlock(StyleBlock):
    """One resolution, and a shortcut around it that no style modulates (not at the base)."""

    def __init__(self, config: ModulatedConfig, level: int):
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


def style_layer(config: ModulatedConfig, below: int, level: int) -> StyledConv2d:
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


def to_rgb(config: ModulatedConfig, level: int) -> ToRGB:
    """Features of a level to an image."""
    return ToRGB(
        config.channels(level),
        config.image_channels,
        config.w_dim,
        spectral_norm=config.spectral_norm,
    )


class ModulatedSynthesis(NoisyNetwork):
    """The constant, the way up through the blocks, and the noise: what all connections share.

    Convolution blocks compute in the format that `precision` names; images are fp32.
    """

    def __init__(self, config: ModulatedConfig, block: type[StyleBlock]):
        super().__init__()
        self.config = config
        self.const = nn.Parameter(torch.randn(1, config.channels(0), *config.base))
        self.blocks = nn.ModuleList(block(config, level) for level in range(config.levels))
        self.register_noise(config.noise_shapes)

    def features(
        self, ws: Tensor, noise: NoiseMaps, *, top: int, precision: Precision
    ) -> Iterator[Tensor]:
        """Features `(N, C, h, w)` of every level from the base up to `top`.

        toRGB of a level shares its w with the first convolution of the next one.
        """
        levels = self.config.levels
        noise = noise or [None] * (2 * levels - 1)
        x = self.const.expand(ws.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for level in range(top + 1):
            first = max(2 * level - 1, 0)
            styles, maps = ws[:, first : 2 * level + 2], noise[first : 2 * level + 1]
            x = x.to(precision.dtype_at(level, levels))
            x = self.blocks[level](x, styles, maps, clamp=precision.clamp)
            yield x

    def to_rgb_at(self, x: Tensor, ws: Tensor, level: int, precision: Precision) -> Tensor:
        """What toRGB of a level makes of its features."""
        block = self.blocks[level]
        assert isinstance(block, SkipBlock)
        return block.to_rgb(x, ws[:, 2 * level + 1], clamp=precision.clamp)


class SkipSynthesis(ModulatedSynthesis):
    """The output-skip generator: every level adds its share to an upsampled image (Figure 7b)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """`(N, num_ws, D)` and one noise map per input, or none, -> images `(N, C, H, W)`, fp32."""
        top = levels_in_use(growth, self.config.levels, grows=False).level
        image: Tensor | None = None
        for level, x in enumerate(self.features(ws, noise, top=top, precision=precision)):
            share = self.to_rgb_at(x, ws, level, precision)
            image = share if image is None else upsample2d(image) + share
        assert image is not None
        return image


class GrowingSynthesis(ModulatedSynthesis):
    """Levels fade in one after the other (ProGAN, section 2): StyleGAN2's rows B to D.

    Every level has a toRGB, of which the highest one in use draws the image; while it fades in, it
    is blended with the repeated image of the level below.
    """

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Styles and noise maps, as if all levels were in use -> images of the highest that is."""
        growth = levels_in_use(growth, self.config.levels)
        lowest_drawn = growth.level if growth.fade == 1 else growth.level - 1
        images = [
            self.to_rgb_at(x, ws, level, precision)
            for level, x in enumerate(
                self.features(ws, noise, top=growth.level, precision=precision)
            )
            if level >= lowest_drawn
        ]
        if growth.fade == 1:
            return images[-1]
        lower = F.interpolate(images[0], scale_factor=2, mode="nearest")
        return torch.lerp(lower, images[1], growth.fade)


class MultiscaleSynthesis(ModulatedSynthesis):
    """An image at every level, each drawn by itself (MSG-GAN; Figure 7a)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Styles and noise maps -> images of the top level `(N, C, H, W)`, fp32."""
        levels_in_use(growth, self.config.levels, grows=False)
        return self.forward_pyramid(ws, noise, precision=precision)[-1]

    def forward_pyramid(
        self, ws: Tensor, noise: NoiseMaps, *, precision: Precision = FP32
    ) -> list[Tensor]:
        """Styles and noise maps -> images of every level, smallest first."""
        features = self.features(ws, noise, top=self.config.levels - 1, precision=precision)
        return [self.to_rgb_at(x, ws, level, precision) for level, x in enumerate(features)]


class OrigSynthesis(ModulatedSynthesis):
    """The feedforward generator: one toRGB, at the top."""

    def __init__(self, config: ModulatedConfig, *, block: type[StyleBlock] = StyleBlock):
        super().__init__(config, block)
        self.to_rgb = to_rgb(config, config.levels - 1)

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Styles and noise maps -> images `(N, C, H, W)`, fp32."""
        top = levels_in_use(growth, self.config.levels, grows=False).level
        features = self.features(ws, noise, top=top, precision=precision)
        (x,) = deque(features, maxlen=1)
        return self.to_rgb(x, ws[:, -1], clamp=precision.clamp)


class ResidualSynthesis(OrigSynthesis):
    """The residual generator: features of both branches are summed (Figure 7c)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, block=ResidualStyleBlock)
