"""Colors, the filter bank, noise and cutout: closed forms and distributions."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.augment import Draws
from stylesmith.augment.color import color_matrix, gray_line
from stylesmith.augment.draws import Gates
from stylesmith.augment.filter_bank import (
    BAND_COINS,
    LOW_PASS,
    POWER,
    band_gains,
    band_kernels,
)
from tests.augment.draws import generators, only, open_ada, set_normal, set_uniform

ONE = torch.ones((), dtype=torch.float64)


def color_draws(count: int, channels: int = 3) -> Draws:
    return open_ada("color", channels, 6, 6).draw(generators(count)).to("cpu", torch.float64)


def test_gray_and_the_mean_of_any_color_obey_one_line():
    draws = color_draws(16)
    images = torch.rand(16, 3, 6, 6, dtype=torch.float64)
    gain, offset = gray_line(Gates(draws, ONE))
    found = open_ada("color", 3, 6, 6).apply(images, draws, 1.0)
    line = images.mean(1) * gain[:, None, None] + offset[:, None, None]
    assert_close(found.mean(1), line)
    gray = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert_close(open_ada("color", 3, 6, 6).apply(gray, draws, 1.0), line[:, None].expand_as(gray))
    alone = open_ada("color", 1, 6, 6).apply(gray[:, :1], draws, 1.0)
    assert_close(alone[:, 0], line)
    contrast, brightness = (draws.normal(name) for name in ("contrast", "brightness"))
    sign = torch.where(draws.uniform("luma flip") >= 0.5, -1.0, 1.0)
    assert_close(gain, sign * torch.exp2(0.5 * contrast))
    assert_close(offset, gain * 0.2 * brightness)


def test_the_determinant_is_that_of_its_parts():
    draws = color_draws(16)
    gates = Gates(draws, ONE)
    gain, _ = gray_line(gates)
    contrast = torch.exp2(0.5 * draws.normal("contrast"))
    saturation = torch.exp2(draws.normal("saturation"))
    wanted = gain.sign() * contrast**3 * saturation**2
    assert_close(torch.linalg.det(color_matrix(gates, gain)), wanted)


def test_hue_keeps_the_mean_and_the_distance_from_gray():
    draws = only(color_draws(8), "hue")
    images = torch.rand(8, 3, 6, 6, dtype=torch.float64)
    found = open_ada("color", 3, 6, 6).apply(images, draws, 1.0)
    assert not torch.allclose(found, images)
    means = [x.mean(1, keepdim=True) for x in (images, found)]
    assert_close(means[1], means[0])
    assert_close((found - means[1]).norm(dim=1), (images - means[0]).norm(dim=1))


def test_a_third_of_a_turn_of_the_hue_moves_red_to_green():
    draws = only(color_draws(1), "hue")
    set_uniform(draws, "hue", 0.5 + 1 / 3)
    red = torch.tensor([1.0, 0, 0], dtype=torch.float64).reshape(1, 3, 1, 1).expand(1, 3, 6, 6)
    found = open_ada("color", 3, 6, 6).apply(red, draws, 1.0)
    assert_close(found, red.roll(1, 1))


def test_alpha_stays_as_it_is():
    images = torch.rand(4, 4, 6, 6)
    found = open_ada("color", 4, 6, 6).apply(images, color_draws(4), 1.0)
    assert torch.equal(found[:, 3], images[:, 3])
    rgb = open_ada("color", 3, 6, 6).apply(images[:, :3], color_draws(4), 1.0)
    assert torch.equal(found[:, :3], rgb)


def test_luma_is_flipped_with_half_the_chance_of_the_strength():
    count, p = 4000, 0.6
    draws = only(open_ada("color", 1, 1, 1).draw(generators(count)), "luma flip")
    found = open_ada("color", 1, 1, 1).apply(torch.ones(count, 1, 1, 1), draws, p)
    assert set(found.unique().tolist()) == {-1.0, 1.0}
    assert (found < 0).double().mean() == pytest.approx(p / 2, abs=4 * math.sqrt(0.21 / count))


def test_deviations_of_colors():
    draws = open_ada("color", 1, 1, 1).draw(generators(4000))
    brighter = only(draws, "brightness")
    gain, offset = gray_line(Gates(brighter, torch.ones(())))
    assert (gain == 1).all() and offset.std() == pytest.approx(0.2, rel=0.06)
    draws = open_ada("color", 1, 1, 1).draw(generators(4000))
    gain, offset = gray_line(Gates(only(draws, "contrast"), torch.ones(())))
    assert (offset == 0).all() and gain.log2().std() == pytest.approx(0.5, rel=0.06)


def test_the_low_pass_is_the_autocorrelation_of_a_wavelet_with_two_vanishing_moments():
    root3 = math.sqrt(3)
    taps = np.array([1 + root3, 3 + root3, 3 - root3, 1 - root3]) / (4 * math.sqrt(2))
    assert np.correlate(taps, taps, "full") / 2 == pytest.approx(LOW_PASS, abs=1e-15)


def test_bands_sum_to_delta_and_lie_between_0_and_1():
    kernels = band_kernels()
    assert kernels.shape == (4, 43)
    assert np.abs(kernels.sum(0) - (np.arange(43) == 21)).max() < 1e-15
    assert [np.count_nonzero(kernel) for kernel in kernels] == [37, 37, 15, 5]
    w = np.linspace(0, math.pi, 513)
    responses = kernels @ np.cos(np.outer(np.arange(43) - 21, w))
    assert responses.min() > -1e-12 and responses.max() < 1 + 1e-12
    assert responses[:, 256] == pytest.approx([0, 0, 0.5, 0.5])  # at pi / 2
    for band, edge in enumerate((64, 128, 256)):  # pi / 8, pi / 4, pi / 2
        crossing = responses[band, edge] - responses[band + 1, edge]
        assert crossing == pytest.approx(0, abs=1e-12)
        assert responses[band, edge - 32] > responses[band + 1, edge - 32]


def test_one_band_at_a_time_keeps_the_power_of_natural_images():
    draws = open_ada("filter", 3, 24, 24).draw(generators(8)).to("cpu", torch.float64)
    for name in BAND_COINS:
        values = draws.values.clone()
        alone = only(type(draws)(draws.plan, values, values, None), name)
        gains = band_gains(Gates(alone, ONE))
        assert not torch.allclose(gains, torch.ones_like(gains))
        power = gains.square() @ torch.from_numpy(POWER)
        assert_close(power, torch.ones_like(power))


def test_a_constant_image_is_multiplied_by_the_squared_gain_of_the_lowest_band():
    pipeline = open_ada("filter", 1, 24, 30)
    draws = pipeline.draw(generators(8))
    images = torch.full((8, 1, 24, 30), 0.5, dtype=torch.float64)
    gains = band_gains(Gates(draws.to("cpu", torch.float64), ONE))
    wanted = images * gains[:, 0].square()[:, None, None, None]
    assert_close(pipeline.apply(images, draws, 1.0), wanted)


def test_noise_has_the_mean_variance_of_a_hundredth():
    pipeline = open_ada("noise", 3, 32, 32)
    images = torch.zeros(2000, 3, 32, 32)
    found = pipeline.apply(images, pipeline.draw(generators(2000)), 1.0)
    assert found.var().item() == pytest.approx(0.01, rel=0.15)
    deviations = found.flatten(1).std(dim=1)
    assert deviations.mean() == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.1)


def erased(found: Tensor) -> Tensor:
    return (found == 0).flatten(1).double().mean(1)


def test_cutout_erases_a_fifth_on_average_and_a_quarter_at_most():
    pipeline = open_ada("cutout", 1, 32, 48)
    found = pipeline.apply(torch.ones(2000, 1, 32, 48), pipeline.draw(generators(2000)), 1.0)
    assert erased(found).mean() == pytest.approx((0.5 - 0.25 / 4) ** 2, rel=0.05)
    assert erased(found).max() == 0.25
    half = pipeline.apply(torch.ones(2000, 1, 32, 48), pipeline.draw(generators(2000)), 0.5)
    assert (erased(half) > 0).double().mean() == pytest.approx(0.5, abs=0.05)


def test_cutout_lies_where_it_was_drawn():
    pipeline = open_ada("cutout", 3, 8, 16)
    draws = pipeline.draw(generators(1))
    set_uniform(draws, "cutout x", 0.5)
    set_uniform(draws, "cutout y", 0.0)
    found = pipeline.apply(torch.ones(1, 3, 8, 16), draws, 1.0)
    wanted = torch.ones(1, 3, 8, 16)
    wanted[:, :, :2, 4:12] = 0
    assert torch.equal(found, wanted)


def test_saturation_of_infinitely_little_leaves_gray():
    draws = only(color_draws(1), "saturation")
    set_normal(draws, "saturation", -60.0)
    images = torch.rand(1, 3, 6, 6, dtype=torch.float64)
    found = open_ada("color", 3, 6, 6).apply(images, draws, 1.0)
    assert_close(found, images.mean(1, keepdim=True).expand_as(images))
