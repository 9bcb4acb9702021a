"""StyleGAN's up-convolution: repeat pixels, convolve, smooth; each step padded by itself."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.ops import conv2d, conv2d_up, conv2d_up_nearest

TAPS = pytest.mark.parametrize("taps", [None, (1.0, 2.0, 1.0)], ids=["plain", "blurred"])


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def in_three_steps(x: Tensor, weight: Tensor, *, taps: tuple[float, ...] | None = None) -> Tensor:
    """The definition."""
    y = conv2d(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), weight)
    if taps is None:
        return y
    row = torch.tensor(taps, dtype=x.dtype) / sum(taps)
    kernel = torch.outer(row, row).expand(y.shape[1], 1, -1, -1)
    return F.conv2d(y, kernel, padding=1, groups=y.shape[1])


def fused_as_published(x: Tensor, weight: Tensor) -> Tensor:
    """Four shifted copies of the kernel add up to 4x4, for one transposed convolution."""
    kernel = sum(F.pad(weight, (i, 1 - i, j, 1 - j)) for i in (0, 1) for j in (0, 1))
    return F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=1)


@TAPS
def test_it_equals_its_definition_the_border_included(taps, assert_equal_to_second_order):
    assert_equal_to_second_order(
        lambda x, weight: conv2d_up_nearest(x, weight, taps=taps),
        lambda x, weight: in_three_steps(x, weight, taps=taps),
        [randn(2, 3, 4, 5), randn(2, 3, 3, 3)],
    )


def test_the_published_fused_form_has_flipped_kernels(assert_equal_to_second_order):
    inputs = [randn(2, 3, 4, 5), randn(2, 3, 3, 3)]
    assert_equal_to_second_order(
        lambda x, weight: conv2d_up_nearest(x, weight.flip(2, 3)), fused_as_published, inputs
    )
    assert not torch.allclose(conv2d_up_nearest(*inputs), fused_as_published(*inputs))


@TAPS
def test_it_is_twice_differentiable(taps):
    inputs = tuple(x.requires_grad_() for x in (randn(1, 2, 3, 3), randn(2, 2, 3, 3)))
    assert gradcheck(lambda x, weight: conv2d_up_nearest(x, weight, taps=taps), inputs)
    assert gradgradcheck(lambda x, weight: conv2d_up_nearest(x, weight, taps=taps), inputs)


def test_blurred_it_is_stylegan2s_up_convolution_but_for_the_border():
    x, weight = randn(2, 3, 5, 6), randn(4, 3, 3, 3)
    found, expected = conv2d_up_nearest(x, weight, taps=(1, 2, 1)), conv2d_up(x, weight)
    assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert not torch.allclose(found, expected)


@TAPS
def test_it_keeps_channels_last_and_half_precision(taps):
    x, weight = randn(2, 4, 8, 8), randn(4, 4, 3, 3)
    low = x.bfloat16().contiguous(memory_format=torch.channels_last)
    y = conv2d_up_nearest(low, weight.bfloat16(), taps=taps)
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y.double(), conv2d_up_nearest(x, weight, taps=taps), atol=0.3, rtol=0.05)
