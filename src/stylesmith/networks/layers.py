"""Layers with equalized learning rate: unit-scale weights, He's constant at run time.

Adam's step does not depend on the scale of gradients, so storing all weights at one scale gives
every layer the same relative learning speed (ProGAN, section 4.1). Weights are fp32 and are cast to
the format of the activations, which decides what a layer computes in.
"""

import math

import torch
from torch import Tensor, nn

from stylesmith.ops import (
    LRELU_GAIN,
    bias_act_,
    conv2d,
    conv2d_down,
    conv2d_up,
    linear,
    modulated_conv2d,
)


class EqualizedLinear(nn.Module):
    """Linear layer; `lr_multiplier` slows its learning without changing its output at the start."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias_init: float = 0.0,
        lr_multiplier: float = 1.0,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_features)` -> `(N, out_features)`."""
        return linear(x * self.weight_gain, self.weight, self.bias * self.bias_gain)


class EqualizedConv2d(nn.Module):
    """Convolution, bias and leaky ReLU; optionally filtered and strided to half the resolution."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, down: bool = False
    ):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.weight_gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.down = down

    def forward(self, x: Tensor, *, gain: float = 1.0, clamp: float | None = None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H, W)`, or half of H and W; `gain` multiplies the result."""
        weight = (self.weight * (self.weight_gain * LRELU_GAIN * gain)).to(x.dtype)
        bias = (self.bias * (LRELU_GAIN * gain)).to(x.dtype)
        y = conv2d_down(x, weight, bias) if self.down else conv2d(x, weight, bias)
        return bias_act_(y, clamp=None if clamp is None else clamp * gain)


class ShortcutConv2d(nn.Module):
    """The 1x1 convolution to half the resolution that runs around a residual block; no bias."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, 1))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)`; `gain` multiplies the result."""
        return conv2d_down(x, (self.weight * (self.weight_gain * gain)).to(x.dtype))


class StyledConv2d(nn.Module):
    """One style block: modulate, convolve, demodulate, add noise and bias, leaky ReLU.

    Source: StyleGAN2, section 2.1 and Figure 2d.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        *,
        up: bool = False,
        noise: bool = True,
    ):
        super().__init__()
        self.affine = EqualizedLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(())) if noise else None
        self.weight_gain = 1 / math.sqrt(in_channels * 9)
        self.convolve = conv2d_up if up else conv2d

    def forward(
        self, x: Tensor, w: Tensor, noise: Tensor | None, *, clamp: float | None = None
    ) -> Tensor:
        """`(N, I, H, W)`, w `(N, D)` and noise `(N or 1, 1, H', W')` -> `(N, O, H', W')`."""
        style = self.affine(w) * self.weight_gain  # scaling the few styles scales the kernels
        y = modulated_conv2d(x, self.weight, style, convolve=self.convolve, gain=LRELU_GAIN)
        if noise is not None and self.noise_strength is not None:
            y = y.add_((noise * (self.noise_strength * LRELU_GAIN)).to(y.dtype))
        return bias_act_(y, self.bias * LRELU_GAIN, clamp=clamp)


class ToRGB(nn.Module):
    """Features to image channels: a modulated 1x1 convolution without demodulation."""

    def __init__(self, in_channels: int, image_channels: int, w_dim: int):
        super().__init__()
        self.affine = EqualizedLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(randn_kernels(image_channels, in_channels, 1))
        self.bias = nn.Parameter(torch.zeros(image_channels))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor, *, clamp: float | None = None) -> Tensor:
        """`(N, I, H, W)` and w `(N, D)` -> fp32 image `(N, image_channels, H, W)`."""
        style = self.affine(w) * self.weight_gain
        rgb = modulated_conv2d(x, self.weight, style, demodulate=False)
        rgb = rgb.float() + self.bias[:, None, None]
        return rgb if clamp is None else rgb.clamp(-clamp, clamp)


def randn_kernels(out_channels: int, in_channels: int, kernel_size: int) -> Tensor:
    """Standard normal kernels `(O, I, k, k)`, laid out channels last as all activations are."""
    kernels = torch.randn(out_channels, in_channels, kernel_size, kernel_size)
    return kernels.contiguous(memory_format=torch.channels_last)
