"""Layers with equalized learning rate: unit-scale weights, He's constant at run time.

Adam's step does not depend on the scale of gradients, so storing all weights at one scale gives
every layer the same relative learning speed (ProGAN, section 4.1). Weights are fp32 and are cast to
the dtype of the activations, which decides what a layer computes in.

The gain sqrt2 of the leaky ReLU stands behind it, as in StyleGAN2. ProGAN and StyleGAN have it in
the weights, where it spares the bias: `bias_gain=WEIGHT_GAIN_ONLY` gives that form.

Spectral normalization (Miyato et al. 2018; StyleGAN2, appendix E) divides a weight by its largest
singular value.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.choices import ResampleFilter
from stylesmith.ops import (
    LRELU_GAIN,
    bias_act_,
    conv2d,
    conv2d_down,
    conv2d_up,
    linear,
    modulated_conv2d,
    upsample2d,
)


class SpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, which power iteration follows as it learns.

    Every training forward takes one step of the iteration; without gradient or in evaluation mode
    nothing moves. The value itself is differentiated, the singular vectors are not.
    """

    u: Tensor

    def __init__(self, out_features: int):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(out_features), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """`(O, ...)`, as one matrix of O rows, divided by its largest singular value."""
        matrix = weight.movedim(1, -1).flatten(1)  # of kernels in channels last this is a view
        moving = self.training and torch.is_grad_enabled()
        with torch.no_grad():
            v = F.normalize(matrix.t().mv(self.u), dim=0)
            u = self.u.clone()  # the graph keeps it, and the buffer may move before the backward
            if moving:
                u = F.normalize(matrix.mv(v), dim=0)
                self.u.copy_(u)
        return weight / u.dot(matrix.mv(v))


WEIGHT_GAIN_ONLY = 1 / LRELU_GAIN
"""What a bias is multiplied by where the activation's gain belongs to the weights alone."""


class EqualizedLinear(nn.Module):
    """Linear layer; `lr_multiplier` slows its learning without changing its output at the start."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias_init: float = 0.0,
        lr_multiplier: float = 1.0,
        bias_gain: float = 1.0,
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))
        gain = lr_multiplier / math.sqrt(in_features)
        self.normalize, self.weight_gain = weight_scaling(out_features, gain, spectral_norm)
        self.bias_gain = lr_multiplier * bias_gain

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_features)` -> `(N, out_features)`."""
        weight = self.normalize(self.weight)
        return linear(x * self.weight_gain, weight, self.bias * self.bias_gain)


class EqualizedConv2d(nn.Module):
    """Convolution, bias and leaky ReLU; optionally filtered and brought to half the resolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        down: bool = False,
        resample: ResampleFilter = "[1,3,3,1]",
        bias_gain: float = 1.0,
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.normalize, self.weight_gain = weight_scaling(out_channels, gain, spectral_norm)
        self.down, self.resample, self.bias_gain = down, resample, bias_gain

    def forward(self, x: Tensor, *, gain: float = 1.0, clamp: float | None = None) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H, W)`, or half of H and W; `gain` multiplies the result."""
        scale = LRELU_GAIN * gain
        weight = (self.normalize(self.weight) * (self.weight_gain * scale)).to(x.dtype)
        bias = (self.bias * (self.bias_gain * scale)).to(x.dtype)
        if self.down:
            y = conv2d_down(x, weight, bias, filter=self.resample)
        else:
            y = conv2d(x, weight, bias)
        return bias_act_(y, clamp=None if clamp is None else clamp * gain)


class ShortcutConv2d(nn.Module):
    """The 1x1 convolution around a residual block, to half or twice the resolution; no bias."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        up: bool = False,
        resample: ResampleFilter = "[1,3,3,1]",
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, 1))
        gain = 1 / math.sqrt(in_channels)
        self.normalize, self.weight_gain = weight_scaling(out_channels, gain, spectral_norm)
        self.up, self.resample = up, resample

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H/2, W/2)` or `(N, O, 2H, 2W)`, multiplied by `gain`."""
        weight = (self.normalize(self.weight) * (self.weight_gain * gain)).to(x.dtype)
        # A 1x1 convolution commutes with the filter: do it where there are fewer pixels.
        if self.up:
            return upsample2d(conv2d(x, weight))
        return conv2d_down(x, weight, filter=self.resample)


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
        demodulate: bool = True,
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.affine = EqualizedLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(randn_kernels(out_channels, in_channels, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(())) if noise else None
        gain = 1 / math.sqrt(in_channels * 9)
        self.normalize, self.weight_gain = weight_scaling(out_channels, gain, spectral_norm)
        self.convolve = conv2d_up if up else conv2d
        self.demodulate = demodulate

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        noise: Tensor | None,
        style_offset: Tensor | None = None,
        *,
        gain: float = 1.0,
        clamp: float | None = None,
    ) -> Tensor:
        """`(N, I, H, W)`, w `(N, D)` and noise `(N or 1, 1, H', W')` -> `(N, O, H', W')`.

        `style_offset` `(N or 1, I)` is added to the style, `gain` multiplies the result.
        """
        weight = self.normalize(self.weight)
        style = style_of(self.affine, w, style_offset) * self.weight_gain  # scales the kernels
        scale = LRELU_GAIN * gain
        y = modulated_conv2d(
            x, weight, style, demodulate=self.demodulate, convolve=self.convolve, gain=scale
        )
        if noise is not None and self.noise_strength is not None:
            y = y.add_((noise * (self.noise_strength * scale)).to(y.dtype))
        return bias_act_(y, self.bias * scale, clamp=None if clamp is None else clamp * gain)


class ToRGB(nn.Module):
    """Features to image channels: a modulated 1x1 convolution without demodulation."""

    def __init__(
        self, in_channels: int, image_channels: int, w_dim: int, *, spectral_norm: bool = False
    ):
        super().__init__()
        self.affine = EqualizedLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(randn_kernels(image_channels, in_channels, 1))
        self.bias = nn.Parameter(torch.zeros(image_channels))
        gain = 1 / math.sqrt(in_channels)
        self.normalize, self.weight_gain = weight_scaling(image_channels, gain, spectral_norm)

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        style_offset: Tensor | None = None,
        *,
        clamp: float | None = None,
    ) -> Tensor:
        """`(N, I, H, W)` and w `(N, D)` -> fp32 image `(N, image_channels, H, W)`."""
        weight = self.normalize(self.weight)
        style = style_of(self.affine, w, style_offset) * self.weight_gain
        rgb = modulated_conv2d(x, weight, style, demodulate=False)
        rgb = rgb.float() + self.bias[:, None, None]
        return rgb if clamp is None else rgb.clamp(-clamp, clamp)


def style_of(affine: EqualizedLinear, w: Tensor, offset: Tensor | None) -> Tensor:
    """The style `(N, channels)` of w `(N, D)`, and an offset `(N or 1, channels)` added to it."""
    style: Tensor = affine(w)
    return style if offset is None else style + offset.to(style)


def randn_kernels(out_channels: int, in_channels: int, kernel_size: int) -> Tensor:
    """Standard normal kernels `(O, I, k, k)`, laid out channels last as all activations are."""
    kernels = torch.randn(out_channels, in_channels, kernel_size, kernel_size)
    return kernels.contiguous(memory_format=torch.channels_last)


def weight_scaling(out_features: int, gain: float, spectral_norm: bool) -> tuple[nn.Module, float]:
    """What a weight passes through before use, and what it is multiplied by then.

    That is `gain`; but a spectral norm undoes any scale, and its result is used as it is.
    """
    return (SpectralNorm(out_features), 1.0) if spectral_norm else (nn.Identity(), gain)
