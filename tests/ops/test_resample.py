import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.ops import (
    blur2d,
    conv2d,
    conv2d_down,
    conv2d_up,
    downsample2d,
    upsample2d,
)
from tests.ops.reference import upfirdn2d

BILINEAR = (1, 3, 3, 1)
ASYMMETRIC = (1, 2, 5)
EVEN_FILTERS = [(1, 1), BILINEAR, (1, 5, 10, 10, 5, 1)]


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def upfirdn_row(row: np.ndarray, taps, up: int, down: int, before: int, after: int) -> np.ndarray:
    """The definition on one line of samples, one sample at a time."""
    samples: dict[int, float] = {i * up: value for i, value in enumerate(row)}
    low, high = -before, len(row) * up + after  # padding adds to, or crops, the line of samples
    kernel = np.asarray(taps, dtype=float) / np.sum(taps)
    out = []
    for start in range(low, high - len(taps) + 1, down):
        last = start + len(taps) - 1
        inside = [(k, last - k) for k in range(len(taps)) if low <= last - k < high]
        out.append(sum(kernel[k] * samples.get(at, 0.0) for k, at in inside))
    return np.asarray(out)


def upfirdn_by_definition(x: Tensor, taps, up, down, padding, gain) -> Tensor:
    left, right, top, bottom = padding
    wide = np.apply_along_axis(upfirdn_row, 3, x.cpu().numpy(), taps, up, down, left, right)
    both = np.apply_along_axis(upfirdn_row, 2, wide, taps, up, down, top, bottom)
    return torch.from_numpy(both * gain).to(x)


@pytest.mark.parametrize("taps", [(1,), BILINEAR, ASYMMETRIC, (4, -3, 2, 1, 1)])
@pytest.mark.parametrize(
    ("up", "down", "padding"),
    [
        (1, 1, (0, 0, 0, 0)),
        (2, 1, (2, 1, 2, 1)),
        (1, 2, (1, 1, 1, 1)),
        (2, 3, (3, 0, 1, 4)),
        (3, 2, (-2, 1, 3, -1)),
        (1, 1, (-1, -1, 2, -2)),
    ],
)
def test_upfirdn2d_follows_the_definition(taps, up, down, padding):
    x = randn(2, 2, 7, 8)
    y = upfirdn2d(x, taps, up=up, down=down, padding=padding, gain=1.5)
    assert_close(y, upfirdn_by_definition(x, taps, up, down, padding, 1.5))


def test_upfirdn2d_convolves_rather_than_correlates():
    impulse = torch.zeros(1, 1, 1, 5)
    impulse[..., 2] = 1
    row = upfirdn2d(impulse, ASYMMETRIC, padding=(1, 1, 1, 1))[0, 0, 0]
    assert_close(row / row.sum(), torch.tensor([0, 1, 2, 5, 0]) / 8)


LINEAR_MAPS = {
    "upfirdn up": lambda x: upfirdn2d(x, ASYMMETRIC, up=2, padding=(2, 1, 0, 3), gain=4),
    "upfirdn down": lambda x: upfirdn2d(x, BILINEAR, down=2, padding=(1, 1, 1, 1)),
    "upfirdn crop": lambda x: upfirdn2d(x, ASYMMETRIC, up=2, down=3, padding=(-1, 2, 1, -2)),
    "blur": lambda x: blur2d(x, ASYMMETRIC, padding=1, gain=2.0),
    "upsample": upsample2d,
    "downsample": downsample2d,
}


@pytest.mark.parametrize("name", LINEAR_MAPS)
def test_resampling_is_twice_differentiable(name):
    x = randn(1, 2, 4, 4).requires_grad_()
    assert gradcheck(LINEAR_MAPS[name], x)
    assert gradgradcheck(LINEAR_MAPS[name], x)


@pytest.mark.parametrize(
    ("convolve", "kernel_size"), [(conv2d, 3), (conv2d_up, 3), (conv2d_down, 3), (conv2d_down, 1)]
)
def test_resampling_convolutions_are_twice_differentiable(convolve, kernel_size):
    inputs = (randn(1, 2, 4, 4), randn(2, 2, kernel_size, kernel_size))
    inputs = tuple(x.requires_grad_() for x in inputs)
    assert gradcheck(convolve, inputs)
    assert gradgradcheck(convolve, inputs)


@pytest.mark.parametrize("taps", EVEN_FILTERS)
def test_upsample2d_equals_its_definition(taps, assert_equal_to_second_order):
    before, after = len(taps) // 2, len(taps) // 2 - 1

    def definition(x: Tensor) -> Tensor:
        return upfirdn2d(x, taps, up=2, padding=(before, after, before, after), gain=4)

    assert_equal_to_second_order(lambda x: upsample2d(x, taps), definition, [randn(2, 3, 5, 4)])


@pytest.mark.parametrize("taps", EVEN_FILTERS)
def test_downsample2d_equals_its_definition(taps, assert_equal_to_second_order):
    side = len(taps) // 2 - 1

    def definition(x: Tensor) -> Tensor:
        return upfirdn2d(x, taps, down=2, padding=(side,) * 4)

    assert_equal_to_second_order(lambda x: downsample2d(x, taps), definition, [randn(2, 3, 6, 8)])


def test_blur2d_equals_its_definition_for_an_asymmetric_filter(assert_equal_to_second_order):
    assert_equal_to_second_order(
        lambda x: blur2d(x, ASYMMETRIC, padding=2, gain=3.0),
        lambda x: upfirdn2d(x, ASYMMETRIC, padding=(2, 2, 2, 2), gain=3.0),
        [randn(2, 3, 5, 4)],
    )


def test_conv2d_up_equals_its_definition(assert_equal_to_second_order):
    """Insert zeros, correlate over all overlaps, filter with gain 4: the borders included."""

    def definition(x: Tensor, weight: Tensor) -> Tensor:
        spread = upfirdn2d(x, (1,), up=2, padding=(2, 1, 2, 1))
        return upfirdn2d(F.conv2d(spread, weight), BILINEAR, padding=(1, 1, 1, 1), gain=4)

    assert_equal_to_second_order(conv2d_up, definition, [randn(2, 3, 4, 5), randn(2, 3, 3, 3)])


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_conv2d_down_equals_its_definition(kernel_size, assert_equal_to_second_order):
    side = kernel_size // 2 + 1

    def definition(x: Tensor, weight: Tensor) -> Tensor:
        filtered = upfirdn2d(x, BILINEAR, padding=(side,) * 4)
        return F.conv2d(filtered, weight)[:, :, ::2, ::2]

    inputs = [randn(2, 3, 8, 6), randn(2, 3, kernel_size, kernel_size)]
    assert_equal_to_second_order(conv2d_down, definition, inputs)


def test_conv2d_up_is_upsampling_then_convolving_inside_the_outer_border():
    x, weight = randn(2, 3, 5, 6), randn(4, 3, 3, 3)
    found, expected = conv2d_up(x, weight), conv2d(upsample2d(x), weight)
    assert found.shape == expected.shape == (2, 4, 10, 12)
    assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])
    assert not torch.allclose(found, expected)  # the borders do differ: padding comes once


def test_bilinear_upsampling_is_torch_interpolation_inside_the_border():
    x = randn(2, 3, 5, 6)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert_close(upsample2d(x)[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


@pytest.mark.parametrize("taps", EVEN_FILTERS)
def test_up_then_down_keeps_a_constant_image_inside(taps):
    x = torch.full((1, 1, 8, 8), 0.7, dtype=torch.float64)
    y = downsample2d(upsample2d(x, taps), taps)
    assert_close(y[..., 2:-2, 2:-2], x[..., 2:-2, 2:-2])


@pytest.mark.parametrize("resample", [upsample2d, downsample2d])
@pytest.mark.parametrize("taps", [(1, 2, 1), (1, 2, 3, 4)])
def test_filters_without_a_box_are_refused(resample, taps):
    with pytest.raises(ShapeError, match="even symmetric filter"):
        resample(randn(1, 1, 4, 4), taps)


@pytest.mark.parametrize("function", [upsample2d, downsample2d])
def test_resampling_keeps_half_precision(function):
    x = randn(1, 4, 8, 8)
    y = function(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert_close(y.double(), function(x), atol=0.05, rtol=0.05)
