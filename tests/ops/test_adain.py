import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.ops import adain, instance_norm, pixel_norm
from tests.ops.reference import adain_reference


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of each image, `(N, C)`."""
    return x.mean(dim=(2, 3)), x.std(dim=(2, 3), correction=0)


def by_the_paper(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """StyleGAN, Eq. 1, channel by channel; without the epsilon."""
    planes = [
        [
            scale[n, c] * (p - p.mean()) / p.std(correction=0) + shift[n, c]
            for c, p in enumerate(row)
        ]
        for n, row in enumerate(x)
    ]
    return torch.stack([torch.stack(row) for row in planes])


def test_instance_norm_gives_every_channel_of_every_image_zero_mean_and_unit_variance():
    x = randn(3, 4, 6, 5) * torch.tensor([1e-2, 1.0, 50.0])[:, None, None, None] + 7
    mean, std = statistics(instance_norm(x))
    assert_close(mean, torch.zeros(3, 4, dtype=x.dtype), atol=1e-9, rtol=0)
    assert_close(std, torch.ones(3, 4, dtype=x.dtype), atol=1e-3, rtol=0)  # epsilon


def test_adain_is_equation_1(assert_equal_to_second_order):
    inputs = [randn(2, 3, 4, 5) + 1, randn(2, 3), randn(2, 3)]
    assert_equal_to_second_order(lambda *x: adain_reference(*x, eps=0), by_the_paper, inputs)


@pytest.mark.parametrize("eps", [1e-8, 0.5])
def test_the_fast_form_equals_the_reference(eps, assert_equal_to_second_order):
    inputs = [randn(2, 3, 4, 5) + 1, randn(2, 3), randn(2, 3)]
    assert_equal_to_second_order(
        lambda *x: adain(*x, eps=eps), lambda *x: adain_reference(*x, eps=eps), inputs
    )


def test_adain_sets_mean_and_deviation_and_the_rest_does_not_matter():
    x, scale, shift = randn(2, 3, 8, 8), randn(2, 3), randn(2, 3)
    mean, std = statistics(y := adain(x, scale, shift))
    assert_close(mean, shift)
    assert_close(std, scale.abs(), atol=1e-6, rtol=1e-6)
    assert_close(adain(5 * x - 3, scale, shift), y, atol=1e-6, rtol=1e-6)


def test_adain_is_twice_differentiable():
    inputs = tuple(x.requires_grad_() for x in (randn(2, 2, 3, 3), randn(2, 2), randn(2, 2)))
    assert gradcheck(adain, inputs)
    assert gradgradcheck(adain, inputs)


@pytest.mark.parametrize("value", [1.0, 0.1, -3.7])
def test_a_channel_without_variance_becomes_its_shift(value):
    """As StyleGAN's constant of ones does before noise comes in: 0 / sqrt(eps), not 1 / 0."""
    x = torch.full((2, 3, 4, 4), value, requires_grad=True)
    scale, shift = torch.randn(2, 3), torch.randn(2, 3)
    y = adain(x, scale, shift)
    assert_close(y, shift[:, :, None, None].expand_as(y), atol=1e-2 * abs(value), rtol=0)
    y.square().sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_statistics_are_taken_in_fp32(dtype):
    x = (100 + torch.randn(2, 3, 32, 32)).to(dtype)  # mean and squares lose all in low precision
    scale, shift = torch.full((2, 3), 0.5), torch.zeros(2, 3)
    y = adain(x, scale, shift)
    assert y.dtype == dtype
    assert_close(y, adain(x.double(), scale.double(), shift.double()).to(dtype))


def test_adain_keeps_channels_last():
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    y = adain(x, torch.randn(2, 3), torch.randn(2, 3))
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    for tensor in (y, gradient, instance_norm(x)):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("wrong", [(3, 2), (2, 6), (1, 3)])
def test_styles_of_another_layer_are_refused(wrong):
    right = torch.ones(2, 3)
    with pytest.raises(ShapeError, match=r"shift must be \(N, C\) = \(2, 3\) to match x"):
        adain(torch.ones(2, 3, 4, 4), right, torch.ones(wrong))
    with pytest.raises(ShapeError, match=r"scale must be \(N, C\) = \(2, 3\) to match x"):
        adain(torch.ones(2, 3, 4, 4), torch.ones(wrong), right)


def test_pixel_norm_sums_squares_in_fp32():
    x = torch.full((1, 4, 2, 2), 300.0, dtype=torch.float16)  # whose square fp16 can't hold
    assert_close(pixel_norm(x), torch.ones_like(x))
