"""Near zero for noise, large for pictures; closed forms where there are any."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.inversion.projection_variables import noise_regularizer, normalize_noise


def waves(side: int, period: int) -> Tensor:
    """Vertical stripes of mean 0 and variance 1, `(1, 1, side, side)`."""
    x = torch.arange(side) * (2 * torch.pi / period)
    return (2**0.5 * torch.sin(x)).expand(1, 1, side, side).contiguous()


def test_stripes_have_the_correlations_of_a_wave():
    found = noise_regularizer([waves(8, 8)])  # 8x8: only itself
    across, along = torch.cos(torch.tensor(2 * torch.pi / 8)), 1.0
    assert_close(found, (across**2 + along**2)[None])


def test_a_checkerboard_is_as_bad_as_a_constant():
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert_close(noise_regularizer([board[None, None]]), torch.tensor([2.0]))
    assert_close(noise_regularizer([torch.ones(1, 1, 4, 4)]), torch.tensor([2.0]))


@pytest.mark.parametrize(("form", "gain"), [("code", 1), ("paper", 4)])
def test_the_paper_doubles_halved_maps(form, gain):
    ones = torch.ones(1, 1, 16, 16)  # at 16x16 and at 8x8, where the paper has twos
    assert_close(noise_regularizer([ones], form), torch.tensor([2.0 + 2.0 * gain**2]))


def test_noise_is_near_zero_and_an_image_is_not():
    maps = [torch.randn(64, 1, 64, 64)]
    smooth = torch.nn.functional.avg_pool2d(torch.randn(64, 1, 78, 78), 15, 1)
    noise, picture = (
        noise_regularizer([normalize_noise(m)], "paper").mean() for m in (*maps, smooth)
    )
    # The square of a mean of n independent products is 1 / n; at 64, 32, 16 and 8 pixels a side.
    assert noise == pytest.approx(sum(2 / side**2 for side in (64, 32, 16, 8)), rel=0.3)
    assert picture > 100 * noise and picture > 1


def test_maps_of_images_are_kept_apart():
    maps = [torch.randn(3, 1, 16, 16), torch.randn(3, 1, 4, 4)]
    each = torch.cat([noise_regularizer([m[i : i + 1] for m in maps]) for i in range(3)])
    assert_close(noise_regularizer(maps), each)
    added = sum(noise_regularizer([m]) for m in maps)
    assert_close(noise_regularizer(maps), added)


def test_the_pyramid_reaches_signal_that_hides_at_single_pixels():
    """Noise whose 2x2 means are smooth: one scale sees little of it, the pyramid more."""
    hidden = normalize_noise(torch.randn(1, 1, 32, 32) + waves(32, 32))
    assert noise_regularizer([hidden], "paper") > 5 * noise_regularizer([hidden[..., ::4, ::4]])


def test_renormalized_maps_have_mean_0_and_variance_1():
    maps = normalize_noise(
        torch.randn(3, 1, 8, 8) * torch.tensor([0.1, 1, 9])[:, None, None, None] + 5
    )
    assert_close(maps.mean(dim=(1, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    assert_close(maps.var(dim=(1, 2, 3), unbiased=False), torch.ones(3))


def test_a_constant_map_becomes_zero():
    assert (normalize_noise(torch.full((1, 1, 4, 4), 3.0)) == 0).all()
