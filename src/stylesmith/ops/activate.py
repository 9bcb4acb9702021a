"""Linear map with results independent of the batch size; bias, leaky ReLU and gain in one step."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ROW_BLOCK = 16
"""Rows multiplied at once where no gradient is needed."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`, `(N, I)` and `(O, I)` -> `(N, O)`.

    Libraries choose their summation order by the number of rows, so a row's last bits depend on the
    batch; rounded to bf16 that becomes visible. Where no gradient is needed, rows therefore go
    in blocks of one size, the last one padded: a seed gives its image at any batch size.
    """
    if torch.is_grad_enabled():
        return F.linear(x, weight, bias)
    n = len(x)
    padded = F.pad(x, (0, 0, 0, -n % ROW_BLOCK))
    return torch.cat([F.linear(block, weight, bias) for block in padded.split(ROW_BLOCK)])[:n]


LRELU_GAIN = math.sqrt(2)
"""Gain that keeps the variance through a leaky ReLU (He's constant, as in StyleGAN2)."""

LRELU_SLOPE = 0.2
"""Slope of the leaky ReLU below zero in all of the papers' networks."""


def lrelu(x: Tensor, *, gain: float = LRELU_GAIN) -> Tensor:
    """Leaky ReLU times a gain."""
    return F.leaky_relu(x, LRELU_SLOPE) * gain


def bias_act_(x: Tensor, bias: Tensor | None = None, *, clamp: float | None = None) -> Tensor:
    """Add a bias per channel, apply leaky ReLU and clamp; overwrites `x`.

    The gain behind the leaky ReLU is contained in `x` and `bias`. Leaky ReLU commutes with a
    positive gain, so that a few weights are multiplied instead of many activations.

    Args:
        x: `(N, C)` or `(N, C, H, W)`, a result that nothing else needs.
        bias: `(C,)`; None where it has been added, as a convolution does at no cost.
        clamp: Bound on the absolute value of the result; None leaves it out.
    """
    if bias is not None:
        x = x.add_(_along_channels(bias, x))
    y = F.leaky_relu_(x, LRELU_SLOPE)
    return y if clamp is None else y.clamp(-clamp, clamp)


def _along_channels(bias: Tensor, x: Tensor) -> Tensor:
    return bias.to(x.dtype).reshape(-1, *[1] * (x.ndim - 2))
