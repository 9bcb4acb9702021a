import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from stylesmith.ops import append_minibatch_stddev, pixel_norm


def constant_images(*values: float, channels: int = 2) -> Tensor:
    return (
        torch.tensor(values, dtype=torch.float32)[:, None, None, None]
        .expand(-1, channels, 2, 2)
        .contiguous()
    )


def appended(x: Tensor, **options: int) -> Tensor:
    """The first appended map's value of each image; a map is constant."""
    y = append_minibatch_stddev(x, **options)
    maps = y[:, x.shape[1]]
    assert_close(maps, maps[:, :1, :1].expand_as(maps))
    assert_close(y[:, : x.shape[1]], x)
    return maps[:, 0, 0]


def test_pixel_norm_gives_unit_mean_square_and_keeps_directions():
    x = torch.randn(5, 7) * 10
    y = pixel_norm(x)
    assert_close(y.square().mean(dim=1), torch.ones(5))
    assert_close(y / y.norm(dim=1, keepdim=True), x / x.norm(dim=1, keepdim=True))


def test_pixel_norm_is_twice_differentiable():
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(pixel_norm, x)
    assert gradgradcheck(pixel_norm, x)


@pytest.mark.parametrize("features", [1, 2])
def test_minibatch_stddev_is_twice_differentiable(features):
    def function(x: Tensor) -> Tensor:
        return append_minibatch_stddev(x, group_size=2, features=features)

    x = torch.randn(4, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


def test_groups_are_strided():
    """Images 0 and 2 are one group, 1 and 3 the other: contiguous groups would give 0, 0, 2, 2."""
    x = constant_images(0, 0, 2, 6)
    assert_close(appended(x, group_size=2), torch.tensor([1.0, 3.0, 1.0, 3.0]))


def test_a_batch_that_the_group_does_not_divide_uses_the_largest_size_that_does():
    x = constant_images(0, 0, 3, 0, 0, 30)  # six images in two groups of three, not in fours
    std = torch.tensor([0.0, 0.0, 3.0]).std(correction=0)
    other = torch.tensor([0.0, 0.0, 30.0]).std(correction=0)
    expected = torch.stack([std, other]).repeat(3)
    assert_close(appended(x, group_size=4), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 4])
def test_images_without_variety_append_nearly_nothing(n):
    assert appended(constant_images(*[0.5] * n)).abs().max() <= 1.01e-4  # the root of eps


def test_each_feature_map_measures_its_own_channels():
    x = torch.zeros(2, 4, 1, 1)
    x[1, 2:] = 4.0  # only the last two of four channels vary
    y = append_minibatch_stddev(x, features=2)
    assert_close(y[:, 4:, 0, 0], torch.tensor([[0.0, 2.0]] * 2), atol=2e-4, rtol=0)


def test_group_statistics_are_taken_in_fp32():
    x = constant_images(1000, 1001).bfloat16()  # 1000 and 1000 or 1008: measured as stored
    expected = x.float().std(dim=0, correction=0).mean()
    y = append_minibatch_stddev(x)
    assert y.dtype == torch.bfloat16
    assert_close(y[0, 2, 0, 0].float(), expected, atol=1e-3, rtol=1e-2)
