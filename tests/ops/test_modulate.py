from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.ops import (
    conv2d,
    conv2d_down,
    conv2d_up,
    modulated_conv2d,
)
from tests.ops.reference import modulated_conv2d_reference

FORMS = pytest.mark.parametrize("convolve", [conv2d, conv2d_up, conv2d_down])
DEMODULATE = pytest.mark.parametrize("demodulate", [True, False])


def operands(n: int = 2, channels: tuple[int, int] = (2, 3), side: int = 4) -> list[Tensor]:
    """x, weight and style in float64."""
    i, o = channels
    shapes = [(n, i, side, side), (o, i, 3, 3), (n, i)]
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


@FORMS
@DEMODULATE
def test_modulating_activations_equals_modulating_weights(
    convolve, demodulate, assert_equal_to_second_order
):
    options = {"convolve": convolve, "demodulate": demodulate}
    fast = partial(modulated_conv2d, **options)
    reference = partial(modulated_conv2d_reference, **options)
    assert_equal_to_second_order(fast, reference, operands())


@FORMS
@DEMODULATE
def test_modulated_convolution_is_twice_differentiable(convolve, demodulate):
    inputs = tuple(x.requires_grad_() for x in operands(channels=(2, 1)))
    function = partial(modulated_conv2d, convolve=convolve, demodulate=demodulate)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_demodulation_restores_unit_std_for_any_style(scale):
    x, weight = torch.randn(4, 64, 32, 32), torch.randn(128, 64, 3, 3)
    style = (torch.rand(4, 64) + 0.1) * scale
    y = modulated_conv2d(x, weight, style)[..., 1:-1, 1:-1]  # without the zero-padded border
    assert_close(y.std(dim=(2, 3)).mean(), torch.tensor(1.0), atol=0.03, rtol=0)


def test_without_demodulation_the_output_follows_the_style():
    x, weight, style = operands()
    once, twice = (modulated_conv2d(x, weight, style * s, demodulate=False) for s in (1, 2))
    assert_close(twice, 2 * once)


@DEMODULATE
def test_gain_multiplies_the_result(demodulate):
    x, weight, style = operands()
    plain = modulated_conv2d(x, weight, style, demodulate=demodulate)
    assert_close(modulated_conv2d(x, weight, style, demodulate=demodulate, gain=3.0), 3 * plain)


def test_a_style_of_one_without_demodulation_is_a_convolution():
    x, weight, style = operands()
    y = modulated_conv2d(x, weight, torch.ones_like(style), demodulate=False)
    assert_close(y, conv2d(x, weight))


def test_images_of_a_batch_do_not_see_each_other():
    x, weight, style = operands()
    alone = modulated_conv2d(x[:1], weight, style[:1])
    assert_close(modulated_conv2d(x, weight, style)[:1], alone)


def test_a_style_of_another_layer_is_refused_with_both_shapes():
    x, weight, style = operands()
    with pytest.raises(ShapeError, match=r"\(2, 2\).*\(2, 5\)"):
        modulated_conv2d(x, weight, style.new_ones(2, 5))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_fp16_stays_finite_for_the_largest_clamped_activations_and_any_style(size):
    """Equal signs everywhere let nothing cancel: the largest sums that a layer can form."""
    x = torch.full((1, 512, 4, 4), 256.0)  # the clamp of the fp16 policy
    weight, style = torch.full((2, 512, 3, 3), 3.0), torch.full((1, 512), size)
    y = modulated_conv2d(x.half(), weight, style)
    assert y.dtype == torch.float16
    expected = modulated_conv2d(x, weight, torch.ones_like(style))
    assert expected.max() < torch.finfo(torch.float16).max
    assert_close(y.float(), expected, rtol=5e-3, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_agrees_with_fp32(dtype):
    x, weight, style = (t.float() for t in operands(channels=(16, 8), side=8))
    low = modulated_conv2d(x.to(dtype), weight, style)
    assert low.dtype == dtype
    assert_close(low.float(), modulated_conv2d(x, weight, style), atol=0.05, rtol=0.05)
