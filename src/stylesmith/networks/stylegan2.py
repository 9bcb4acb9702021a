"""StyleGAN2's synthesis network g: from w to an image (StyleGAN2, Figures 2d and 7).

All connections go up through the same style blocks and differ in how levels reach the image, as
Figure 7 shows above its dashed line; `grow` is the network of rows B to D of Table 1.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from stylesmith.config import ModulatedConfig
from stylesmith.devices import FP32, Precision
from stylesmith.errors import UsageError
from stylesmith.networks.growth import Growth
from stylesmith.networks.layers import EqualizedLinear, ShortcutConv2d, StyledConv2d, ToRGB
from stylesmith.networks.synthesis import (
    LevelState,
    NoiseMaps,
    SynthesisInputs,
    SynthesisNetwork,
    growing_image,
)
from stylesmith.ops import upsample2d


class StyleBlock(nn.Module):
    """One resolution: up-convolution (not at the base) and convolution."""

    def __init__(self, config: ModulatedConfig, level: int):
        super().__init__()
        if level > 0:
            self.conv0 = style_layer(config, level - 1, level)
        self.conv1 = style_layer(config, level, level)
        self.level = level

    def forward(self, x: Tensor, inputs: SynthesisInputs, *, gain: float = 1.0) -> Tensor:
        """Features of the level below -> features of this level, multiplied by `gain`."""
        clamp = inputs.precision.clamp
        if self.level > 0:
            x = self.conv0(x, *inputs.of_layer(2 * self.level - 1), clamp=clamp)
        return self.conv1(x, *inputs.of_layer(2 * self.level), gain=gain, clamp=clamp)


class ResidualStyleBlock(StyleBlock):
    """One resolution, and a shortcut around it that no style modulates (not at the base)."""

    def __init__(self, config: ModulatedConfig, level: int):
        super().__init__(config, level)
        if level > 0:
            below, channels = config.channels(level - 1), config.channels(level)
            self.shortcut = ShortcutConv2d(
                below, channels, up=True, spectral_norm=config.spectral_norm
            )

    def forward(self, x: Tensor, inputs: SynthesisInputs, *, gain: float = 1.0) -> Tensor:
        """As in a plain block; the sum of two branches keeps unit variance."""
        if self.level == 0:
            return super().forward(x, inputs, gain=gain)
        gain *= math.sqrt(0.5)
        return super().forward(x, inputs, gain=gain) + self.shortcut(x, gain=gain)


class SkipBlock(StyleBlock):
    """One resolution, and its image."""

    def __init__(self, config: ModulatedConfig, level: int):
        super().__init__(config, level)
        self.to_rgb = to_rgb(config, level)


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


class ModulatedSynthesis(SynthesisNetwork):
    """The constant, the way up through the blocks, and the noise: the part of all connections.

    Convolution blocks compute in the dtype that `precision` names; images are fp32. toRGB of a
    level shares its w with the first convolution of the next level.
    """

    def __init__(self, config: ModulatedConfig, block: type[StyleBlock]):
        super().__init__(config)
        self.const = nn.Parameter(torch.randn(1, config.channels(0), *config.base))
        self.blocks = nn.ModuleList(block(config, level) for level in range(config.levels))
        self.register_noise()

    @property
    def affines(self) -> dict[str, EqualizedLinear]:
        """See `SynthesisNetwork.affines`."""
        found: dict[str, EqualizedLinear] = {}
        for level, block in enumerate(self.blocks):
            block = cast(StyleBlock, block)
            if level > 0:
                found[str(2 * level - 1)] = block.conv0.affine
            if level - 1 in self.rgb_levels:
                found[f"rgb{2 * level - 1}"] = self.to_rgb_of(level - 1).affine
            found[str(2 * level)] = block.conv1.affine
        top = self.config.levels - 1
        return found | {f"rgb{2 * top + 1}": self.to_rgb_of(top).affine}

    @property
    def rgb_levels(self) -> Sequence[int]:
        """The levels that have a toRGB."""
        return range(self.config.levels)

    def to_rgb_of(self, level: int) -> ToRGB:
        """The toRGB of one of these levels."""
        return cast(SkipBlock, self.blocks[level]).to_rgb

    def block_at(
        self, level: int, below: Tensor | None, inputs: SynthesisInputs
    ) -> tuple[Tensor, Tensor | None]:
        """Features of a level; there is no AdaIN."""
        x = below
        if x is None:
            x = self.const.expand(inputs.ws.shape[0], -1, -1, -1)  # `len` would fix it in exports
            x = x.contiguous(memory_format=torch.channels_last)
        x = x.to(inputs.precision.dtype_at(level, self.config.levels))
        return self.blocks[level](x, inputs), None

    def rgb(self, level: int, features: Tensor, inputs: SynthesisInputs) -> Tensor:
        """The output of a level's toRGB, `(N, C, h, w)`, fp32."""
        w, style_offset = inputs.of_rgb(2 * level + 1)
        return self.to_rgb_of(level)(features, w, style_offset, clamp=inputs.precision.clamp)


class SkipSynthesis(ModulatedSynthesis):
    """The output-skip generator: every level adds to an upsampled image (Figure 7b)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor, Tensor]:
        """What the level adds, and the sum so far."""
        rgb = self.rgb(level, features, inputs)
        if below is None:
            return rgb, rgb
        if below.image is None:
            raise UsageError(f"start at level {below.level}: holds no image to add to")
        return rgb, upsample2d(below.image) + rgb


class GrowingSynthesis(ModulatedSynthesis):
    """Levels fade in one after the other (ProGAN, section 2): StyleGAN2's rows B to D."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor | None, Tensor | None]:
        """The image of the highest level in use."""
        image = growing_image(
            lambda at, x: self.rgb(at, x, inputs), level, features, below, inputs.growth
        )
        return image, image


class MultiscaleSynthesis(ModulatedSynthesis):
    """An image at every level, each drawn by itself (MSG-GAN; Figure 7a)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, SkipBlock)

    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor, Tensor]:
        """The image of this level alone."""
        image = self.rgb(level, features, inputs)
        return image, image

    def forward_pyramid(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> list[Tensor]:
        """Styles and noise maps -> images of every level, smallest first."""
        states = self.levels(ws, noise, growth=growth, precision=precision)
        return [cast(Tensor, state.image) for state in states]


class OrigSynthesis(ModulatedSynthesis):
    """The feedforward generator: one toRGB, at the top."""

    def __init__(self, config: ModulatedConfig, *, block: type[StyleBlock] = StyleBlock):
        super().__init__(config, block)
        self.to_rgb = to_rgb(config, config.levels - 1)

    @property
    def rgb_levels(self) -> Sequence[int]:
        """The top."""
        return [self.config.levels - 1]

    def to_rgb_of(self, level: int) -> ToRGB:
        """The one toRGB."""
        return self.to_rgb

    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor | None, Tensor | None]:
        """The image at the top."""
        if level < inputs.growth.level:
            return None, None
        image = self.rgb(level, features, inputs)
        return image, image


class ResidualSynthesis(OrigSynthesis):
    """The residual generator: features of both branches are summed (Figure 7c)."""

    def __init__(self, config: ModulatedConfig):
        super().__init__(config, block=ResidualStyleBlock)
