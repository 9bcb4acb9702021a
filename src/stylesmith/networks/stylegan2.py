"""StyleGAN2's synthesis network g: from w to an image (StyleGAN2, Figures 2d and 7b)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stylesmith.config import GeneratorConfig
from stylesmith.devices import FP32, Precision
from stylesmith.networks.layers import StyledConv2d, ToRGB
from stylesmith.ops import upsample2d

NoiseMaps = Sequence[Tensor | None]
"""One map `(N or 1, 1, H, W)` per noise input, or None where a layer gets no noise."""


class SkipBlock(nn.Module):
    """One resolution: up-convolution (not at the base), convolution, and the image's share."""

    def __init__(self, config: GeneratorConfig, level: int):
        super().__init__()
        w_dim, channels = config.mapping.w_dim, config.channels(level)
        if level > 0:
            below = config.channels(level - 1)
            self.conv0 = StyledConv2d(below, channels, w_dim, up=True, noise=config.noise)
        self.conv1 = StyledConv2d(channels, channels, w_dim, noise=config.noise)
        self.to_rgb = ToRGB(channels, config.image_channels, w_dim)
        self.level = level

    def forward(
        self, x: Tensor, ws: Tensor, noise: NoiseMaps, *, clamp: float | None
    ) -> tuple[Tensor, Tensor]:
        """Features below -> features and image share of this level.

        `ws` `(N, 3, D)` feeds conv0, conv1 and toRGB, `noise` conv0 and conv1; at the base the
        first of each is absent.
        """
        if self.level > 0:
            x = self.conv0(x, ws[:, 0], noise[0], clamp=clamp)
        x = self.conv1(x, ws[:, -2], noise[-1], clamp=clamp)
        return x, self.to_rgb(x, ws[:, -1], clamp=clamp)


class SkipSynthesis(nn.Module):
    """The output-skip generator: every level adds its share to an upsampled image.

    Convolution blocks compute in the format that `precision` names; images are summed in fp32.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        self.const = nn.Parameter(torch.randn(1, config.channels(0), *config.base))
        self.blocks = nn.ModuleList(SkipBlock(config, level) for level in range(config.levels))
        for i, shape in enumerate(config.noise_shapes):
            self.register_buffer(f"noise_{i}", torch.randn(1, 1, *shape))

    @property
    def fixed_noise(self) -> list[Tensor]:
        """The noise maps that belong to the network, `(1, 1, H, W)` each."""
        return [getattr(self, f"noise_{i}") for i in range(len(self.config.noise_shapes))]

    def forward(self, ws: Tensor, noise: NoiseMaps, *, precision: Precision = FP32) -> Tensor:
        """`(N, num_ws, D)` and one noise map per input, or none, -> images `(N, C, H, W)`, fp32.

        toRGB of a level shares its w with the first convolution of the next one.
        """
        levels = self.config.levels
        noise = noise or [None] * (2 * levels - 1)
        x = self.const.expand(len(ws), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        for level, block in enumerate(self.blocks):
            first = max(2 * level - 1, 0)
            x = x.to(precision.at(level, levels))
            maps = noise[first : 2 * level + 1]
            x, share = block(x, ws[:, first : 2 * level + 2], maps, clamp=precision.clamp)
            image = share if image is None else upsample2d(image) + share
        assert image is not None
        return image
