from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.ops import LRELU_GAIN, bias_act_, lrelu
from tests.ops.reference import bias_act_reference

SHAPES = pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
CLAMPS = pytest.mark.parametrize("clamp", [None, 0.8])


def fast(x: Tensor, bias: Tensor, *, gain: float = LRELU_GAIN, clamp: float | None = None):
    """The in-place form on a fresh product, as layers call it."""
    return bias_act_(x * gain, bias * gain, clamp=clamp)


@SHAPES
@CLAMPS
def test_bias_act_equals_its_definition(shape, clamp, assert_equal_to_second_order):
    options = {"gain": 1.7, "clamp": clamp}
    inputs = [torch.randn(shape), torch.randn(3)]
    reference = partial(bias_act_reference, **options)
    assert_equal_to_second_order(partial(fast, **options), reference, inputs)


@pytest.mark.parametrize("function", [fast, bias_act_reference])
@SHAPES
@CLAMPS
def test_bias_act_is_twice_differentiable(function, shape, clamp):
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in (shape, (3,))]
    assert gradcheck(partial(function, clamp=clamp), inputs)
    assert gradgradcheck(partial(function, clamp=clamp), inputs)


@pytest.mark.parametrize("function", [fast, bias_act_reference])
def test_bias_act_by_hand(function):
    x = torch.tensor([[1.0, -3.0, 100.0]])
    y = function(x, torch.tensor([1.0, 1.0, 0.0]), gain=2.0, clamp=50.0)
    assert_close(y, torch.tensor([[4.0, -0.8, 50.0]]))


def test_a_bias_that_was_added_before_is_left_out():
    x = torch.tensor([[1.0, -1.0]])
    assert_close(bias_act_(x), torch.tensor([[1.0, -0.2]]))


def test_the_bias_goes_along_channels():
    bias = torch.tensor([1.0, 2.0])
    y = fast(torch.zeros(1, 2, 2, 2), bias, gain=1.0)
    assert_close(y.amax(dim=(0, 2, 3)), bias)
    assert_close(y.amin(dim=(0, 2, 3)), bias)


def test_clamped_values_get_no_gradient():
    x = torch.tensor([[9.0, 0.1]], requires_grad=True)
    fast(x, torch.zeros(2), gain=1.0, clamp=1.0).sum().backward()
    assert_close(x.grad, torch.tensor([[0.0, 1.0]]))


def test_the_gain_keeps_the_energy_of_unit_noise():
    energy = lrelu(torch.randn(100_000), gain=LRELU_GAIN).square().mean().item()
    assert energy == pytest.approx(1 + 0.2**2, rel=0.02)  # 2 * (1/2 + 0.2^2 / 2)
