"""Discriminators: which images are real? (StyleGAN2, Figure 7, below the dashed line).

All of them go down from the image to the base grid, block by block, and end in one epilogue. They
differ in where images enter, and in what runs around a block.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stylesmith.config import DiscriminatorConfig
from stylesmith.devices import FP32, Precision
from stylesmith.errors import ShapeError
from stylesmith.networks.discriminator_blocks import (
    Epilogue,
    FeedforwardBlock,
    ResidualBlock,
    from_rgb,
)
from stylesmith.networks.growth import Growth, levels_in_use
from stylesmith.ops.halve import ResampleFilter, halve2d


class OrigDiscriminator(nn.Module):
    """StyleGAN's discriminator without growing: the image enters at the top."""

    def __init__(
        self, config: DiscriminatorConfig, *, block: type[FeedforwardBlock] = FeedforwardBlock
    ):
        super().__init__()
        self.config = config
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

    def __init__(self, config: DiscriminatorConfig):
        super().__init__(config, block=ResidualBlock)


class MultiInputDiscriminator(nn.Module):
    """A discriminator whose every level has its fromRGB: what three connections share."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
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
                lower = self.from_rgb_at(halve2d(images, "box"), level - 1, precision)
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


Discriminator = (
    GrowingDiscriminator
    | OrigDiscriminator
    | SkipDiscriminator
    | ResidualDiscriminator
    | MultiscaleDiscriminator
)
"""Any of them; the multiscale one takes a list of images."""


def image_pyramid(
    images: Tensor, levels: int, *, resample: ResampleFilter = "[1,3,3,1]"
) -> list[Tensor]:
    """Images `(N, C, H, W)` at every level, smallest first; the last are the images themselves."""
    pyramid = [images.contiguous(memory_format=torch.channels_last)]
    while len(pyramid) < levels:
        pyramid.append(halve2d(pyramid[-1], resample))
    return pyramid[::-1]


def block_levels(config: DiscriminatorConfig) -> range:
    """Levels that have a block, in the order of the blocks: from the top to just above the base."""
    return range(config.levels - 1, 0, -1)
