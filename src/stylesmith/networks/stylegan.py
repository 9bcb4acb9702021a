"""StyleGAN's synthesis network g: w sets the mean and deviation of every feature map.

Source: StyleGAN, section 2 and Figure 1b.
"""

import torch
from torch import Tensor, nn

from stylesmith.config import GeneratorConfig
from stylesmith.networks.layers import EqualizedLinear
from stylesmith.networks.traditional import DenseInput, ProgressiveSynthesis, TraditionalLayer
from stylesmith.ops import adain


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

    def __init__(self, config: GeneratorConfig):
        super().__init__(
            config,
            ConstantInput(config) if config.constant_input else DenseInput(config),
            lambda source, channels: AdaINLayer(source, channels, config.w_dim, noise=config.noise),
        )
