"""StyleGAN2 as it is usually written: the yardstick of the benchmarks.

Each image has its own kernels, run as one grouped convolution; FIR filters are depthwise
convolutions, with a stride where the resolution halves; everything is NCHW and fp32. The networks
and their weights are stylesmith's own, copied; tests hold both forms to the same numbers.
"""

import copy
import math
from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.devices import FP32, Precision
from stylesmith.networks import (
    Discriminator,
    Generator,
    Growth,
    ResidualDiscriminator,
    SkipSynthesis,
)
from stylesmith.networks.discriminators import Epilogue, ResidualBlock
from stylesmith.networks.layers import EqualizedConv2d, ShortcutConv2d, StyledConv2d, ToRGB
from stylesmith.networks.stylegan2 import NoiseMaps, SkipBlock

M = TypeVar("M", bound=nn.Module)


class PlainGenerator(nn.Module):
    """A copy of a generator that computes the plain way; same calls, same results."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.network = contiguous_copy(generator)
        self.mapping, self.broadcast = self.network.mapping, self.network.broadcast
        self.synthesis = PlainSynthesis(self.network)

    def forward(self, z: Tensor) -> Tensor:
        """Latents `(N, z_dim)` to images, with the network's own noise."""
        ws = self.broadcast(self.mapping(z))
        return self.synthesis(ws, self.network.synthesis.fixed_noise)


class PlainSynthesis(nn.Module):
    """The synthesis network of a generator, computed the plain way."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.network = generator.synthesis

    def forward_pyramid(
        self, ws: Tensor, noise: NoiseMaps, *, growth: Growth | None, precision: Precision
    ) -> list[Tensor]:
        """Images as the discriminator takes them."""
        return [self(ws, noise, growth=growth, precision=precision)]

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Styles `(N, num_ws, D)` to images; always all levels, in fp32."""
        network = self.network
        assert isinstance(network, SkipSynthesis)
        x = network.const.expand(len(ws), -1, -1, -1)
        image: Tensor | None = None
        for level, block in enumerate(network.blocks):
            assert isinstance(block, SkipBlock)
            first = max(2 * level - 1, 0)
            styles, maps = ws[:, first : 2 * level + 2], noise[first : 2 * level + 1]
            if level > 0:
                x = styled_conv(block.conv0, x, styles[:, 0], maps[0], up=True)
            x = styled_conv(block.conv1, x, styles[:, -2], maps[-1], up=False)
            share = to_rgb(block.to_rgb, x, styles[:, -1])
            image = share if image is None else upsample(image) + share
        assert image is not None
        return image


class PlainDiscriminator(Discriminator):
    """A copy of a discriminator that computes the plain way; same calls, same results."""

    def __init__(self, discriminator: ResidualDiscriminator):
        super().__init__(discriminator.config)
        self.network = contiguous_copy(discriminator)

    def forward(
        self,
        images: Tensor,
        label: Tensor | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Images `(N, C, H, W)` to scores `(N,)`; always all levels, in fp32."""
        x = equalized_conv(self.network.from_rgb, images)
        for block in self.network.blocks:
            assert isinstance(block, ResidualBlock)
            skip = shortcut(block.shortcut, x)
            x = equalized_conv(block.conv1, equalized_conv(block.conv0, x))
            x = (x + skip) * math.sqrt(0.5)
        return epilogue(self.network.epilogue, x)


def contiguous_copy(module: M) -> M:
    """The same weights in PyTorch's default memory format."""
    module = copy.deepcopy(module)
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()
    return module


def styled_conv(
    layer: StyledConv2d, x: Tensor, w: Tensor, noise: Tensor | None, *, up: bool
) -> Tensor:
    """Modulate the kernels of each image, convolve in groups, add noise and bias, activate."""
    style = layer.affine(w)
    kernels = (layer.weight * layer.weight_gain)[None] * style[:, None, :, None, None]
    kernels = kernels * torch.rsqrt(kernels.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
    y = grouped_up(x, kernels) if up else grouped(x, kernels)
    if noise is not None and layer.noise_strength is not None:
        y = y + noise * layer.noise_strength
    return activate(y, layer.bias)


def to_rgb(layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    """Modulated 1x1 convolution without demodulation."""
    style = layer.affine(w)
    kernels = (layer.weight * layer.weight_gain)[None] * style[:, None, :, None, None]
    return grouped(x, kernels) + layer.bias[:, None, None]


def grouped(x: Tensor, kernels: Tensor) -> Tensor:
    """One group per image: `(N, I, H, W)` and `(N, O, I, k, k)` -> `(N, O, H, W)`."""
    n, _, height, width = x.shape
    padding = kernels.shape[-1] // 2
    y = F.conv2d(x.reshape(1, -1, height, width), kernels.flatten(0, 1), padding=padding, groups=n)
    return y.reshape(n, -1, height, width)


def grouped_up(x: Tensor, kernels: Tensor) -> Tensor:
    """Transposed convolution with one group per image, then the filter: twice the resolution."""
    n, _, height, width = x.shape
    kernels = kernels.flip(3, 4).transpose(1, 2).flatten(0, 1)  # (N * I, O, k, k)
    y = F.conv_transpose2d(x.reshape(1, -1, height, width), kernels, stride=2, groups=n)
    y = y.reshape(n, -1, 2 * height + 1, 2 * width + 1)
    return fir(y, padding=1, gain=4.0)


def equalized_conv(layer: EqualizedConv2d, x: Tensor) -> Tensor:
    """Convolution with equalized weights, filtered and strided where the resolution halves."""
    weight = layer.weight * layer.weight_gain
    if layer.down:
        y = F.conv2d(fir(x, padding=2), weight, stride=2)
    else:
        y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return activate(y, layer.bias)


def shortcut(layer: ShortcutConv2d, x: Tensor) -> Tensor:
    """Filter with stride 2, then the 1x1 convolution."""
    return F.conv2d(fir(x, padding=1, stride=2), layer.weight * layer.weight_gain)


def epilogue(layer: Epilogue, x: Tensor) -> Tensor:
    """Minibatch standard deviation in strided groups, convolution, two linear layers."""
    n, channels, height, width = x.shape
    size = next(s for s in range(min(layer.group_size, n), 0, -1) if n % s == 0)
    groups = x.reshape(size, n // size, channels, height, width)
    centered = groups - groups.mean(dim=0)
    stddev = (centered.square().mean(dim=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    maps = stddev.repeat(size)[:, None, None, None].expand(n, 1, height, width)
    x = equalized_conv(layer.conv, torch.cat([x, maps], dim=1)).flatten(1)
    x = F.leaky_relu(layer.hidden(x), 0.2) * math.sqrt(2)
    return layer.output(x).squeeze(1)


def activate(x: Tensor, bias: Tensor) -> Tensor:
    """Bias, leaky ReLU, gain: one operation after another."""
    return F.leaky_relu(x + bias[:, None, None], 0.2) * math.sqrt(2)


def upsample(x: Tensor) -> Tensor:
    """Bilinear filter by depthwise transposed convolution."""
    kernel = filter_kernel(x, gain=4.0)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def fir(x: Tensor, *, padding: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Bilinear filter by depthwise convolution."""
    kernel = filter_kernel(x, gain=gain)
    return F.conv2d(x, kernel, padding=padding, stride=stride, groups=x.shape[1])


def filter_kernel(like: Tensor, *, gain: float, taps: Sequence[float] = (1, 3, 3, 1)) -> Tensor:
    """Depthwise kernels `(C, 1, 4, 4)`."""
    row = like.new_tensor(taps)
    kernel = torch.outer(row, row) * (gain / row.sum() ** 2)
    return kernel.repeat(like.shape[1], 1, 1, 1)
