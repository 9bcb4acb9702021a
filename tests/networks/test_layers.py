import math

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from stylesmith.networks.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    ShortcutConv2d,
    StyledConv2d,
    ToRGB,
)
from stylesmith.ops import LRELU_GAIN


def effective_weight(layer: EqualizedLinear) -> Tensor:
    """The matrix that the layer multiplies by, read off its outputs."""
    zero = layer(torch.zeros(1, layer.weight.shape[1], dtype=layer.weight.dtype))
    eye = torch.eye(layer.weight.shape[1], dtype=layer.weight.dtype)
    return (layer(eye) - zero).t().detach()


def one_adam_step(layer: nn.Module, x: Tensor, lr: float) -> None:
    optimizer = torch.optim.Adam(layer.parameters(), lr=lr)
    layer(x).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_lr_multiplier_scales_the_adam_step_and_not_the_output(lr_multiplier):
    layer = EqualizedLinear(64, 64, lr_multiplier=lr_multiplier).double()
    before = effective_weight(layer)
    assert before.std().item() == pytest.approx(1 / math.sqrt(64), rel=0.05)
    one_adam_step(layer, torch.randn(3, 64, dtype=torch.float64), lr=1e-3)
    moved = (effective_weight(layer) - before).abs().max().item()
    assert moved == pytest.approx(1e-3 * lr_multiplier / math.sqrt(64), rel=1e-3)


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_the_bias_starts_at_its_value_and_learns_at_the_layers_rate(lr_multiplier):
    layer = EqualizedLinear(4, 4, bias_init=1.0, lr_multiplier=lr_multiplier).double()
    zero = torch.zeros(1, 4, dtype=torch.float64)
    before = layer(zero).detach()
    assert_close(before, torch.ones_like(before), rtol=1e-6, atol=0)
    one_adam_step(layer, torch.randn(3, 4, dtype=torch.float64), lr=1e-3)
    moved = (layer(zero) - before).abs().max().item()
    assert moved == pytest.approx(1e-3 * lr_multiplier, rel=1e-3)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_convolutions_keep_unit_energy(kernel_size):
    layer = EqualizedConv2d(64, 64, kernel_size)
    energy = layer(torch.randn(2, 64, 16, 16))[..., 1:-1, 1:-1].square().mean().item()
    assert energy == pytest.approx(1.04, rel=0.1)  # the leaky ReLU's share


def test_gain_of_a_convolution_scales_result_and_clamp():
    layer, x = EqualizedConv2d(4, 4, 3), torch.randn(1, 4, 8, 8)
    plain, halved = layer(x, clamp=1.0), layer(x, gain=0.5, clamp=1.0)
    assert plain.abs().max() == 1
    assert_close(halved, plain / 2)


def test_the_shortcut_is_linear():
    layer, x = ShortcutConv2d(3, 5), torch.randn(2, 3, 8, 8)
    assert layer(x).shape == (2, 5, 4, 4)
    assert_close(layer(-2 * x, gain=0.5), -layer(x))


def test_a_new_style_is_one_for_the_zero_latent():
    layer = StyledConv2d(4, 6, 8)
    assert_close(layer.affine(torch.zeros(2, 8)), torch.ones(2, 4))


def test_noise_enters_before_bias_and_activation_scaled_by_its_strength():
    layer = StyledConv2d(4, 6, 8)
    x, w, noise = torch.zeros(2, 4, 4, 4), torch.randn(2, 8), torch.randn(2, 1, 4, 4)
    assert_close(layer(x, w, noise), torch.zeros(2, 6, 4, 4))  # strength starts at 0
    nn.init.constant_(layer.noise_strength, 3.0)
    nn.init.constant_(layer.bias, 0.5)
    inner = 3 * noise + 0.5
    wanted = torch.where(inner > 0, inner, 0.2 * inner) * LRELU_GAIN
    assert_close(layer(x, w, noise), wanted.expand(-1, 6, -1, -1))


def test_to_rgb_is_linear_and_answers_in_fp32():
    layer = ToRGB(4, 3, 8)
    x, w = torch.randn(2, 4, 4, 4), torch.randn(2, 8)
    assert_close(layer(-2 * x, w), -2 * layer(x, w))
    assert layer(x.bfloat16(), w).dtype == torch.float32
    assert layer(100 * x, w, clamp=1.0).abs().max() == 1
