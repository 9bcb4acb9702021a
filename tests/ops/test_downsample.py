import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.ops import blur2d, conv2d, conv2d_down, downsample2d

FILTERS = pytest.mark.parametrize("resample", ["box", "[1,2,1]", "[1,3,3,1]"])
KERNELS = pytest.mark.parametrize("kernel_size", [1, 3])


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


@KERNELS
def test_box_is_convolving_then_averaging(kernel_size, assert_equal_to_second_order):
    """ProGAN's down-convolution; the borders included."""
    assert_equal_to_second_order(
        lambda x, weight: conv2d_down(x, weight, filter="box"),
        lambda x, weight: F.avg_pool2d(conv2d(x, weight), 2),
        [randn(2, 3, 8, 6), randn(4, 3, kernel_size, kernel_size)],
    )


@KERNELS
def test_121_is_blurring_convolving_then_averaging(kernel_size, assert_equal_to_second_order):
    """StyleGAN's down-convolution; the borders included."""
    assert_equal_to_second_order(
        lambda x, weight: conv2d_down(x, weight, filter="[1,2,1]"),
        lambda x, weight: F.avg_pool2d(conv2d(blur2d(x, (1, 2, 1), padding=1), weight), 2),
        [randn(2, 3, 8, 6), randn(4, 3, kernel_size, kernel_size)],
    )


@KERNELS
def test_1331_is_the_down_convolution_of_stylegan2(kernel_size):
    x, weight = randn(2, 3, 8, 6), randn(4, 3, kernel_size, kernel_size)
    assert_close(conv2d_down(x, weight, filter="[1,3,3,1]"), conv2d_down(x, weight))
    assert_close(downsample2d(x, "[1,3,3,1]"), downsample2d(x))


def test_box_is_one_strided_convolution_with_four_shifted_kernels():
    """The published networks fuse the two at 128x128 and above."""
    x, weight = randn(2, 3, 8, 6), randn(4, 3, 3, 3)
    shifts = [(0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0)]
    fused = sum(F.pad(weight, shift) for shift in shifts) / 4
    expected = F.conv2d(x, fused, stride=2, padding=1)
    assert_close(conv2d_down(x, weight, filter="box"), expected)


def test_inside_the_border_both_stylegans_filter_alike():
    x, weight = randn(2, 3, 12, 12), randn(4, 3, 3, 3)
    first, second = (conv2d_down(x, weight, filter=name) for name in ("[1,2,1]", "[1,3,3,1]"))
    assert_close(first[..., 1:-1, 1:-1], second[..., 1:-1, 1:-1])
    assert not torch.allclose(first, second)


@FILTERS
def test_halving_keeps_a_constant_inside_and_the_format(resample):
    x = torch.full((1, 2, 8, 8), 0.75, dtype=torch.bfloat16)
    y = downsample2d(x, resample)
    assert y.shape == (1, 2, 4, 4) and y.dtype == torch.bfloat16
    assert_close(y[..., 1:-1, 1:-1], x[..., 2:-2:2, 2:-2:2])


@FILTERS
def test_halving_is_twice_differentiable(resample):
    inputs = (randn(1, 2, 4, 4).requires_grad_(), randn(2, 2, 3, 3).requires_grad_())
    for function in (gradcheck, gradgradcheck):
        assert function(lambda x, weight: conv2d_down(x, weight, filter=resample), inputs)
        assert function(lambda x: downsample2d(x, resample), inputs[:1])
