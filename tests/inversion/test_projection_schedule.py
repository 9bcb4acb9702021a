"""The ramps of appendix D, in closed form."""

import math

import pytest

from stylesmith.inversion.latent_optimizer import learning_rate_factor, w_noise_std


@pytest.mark.parametrize(
    ("time", "share"),
    [
        (0, 0),
        (0.025, 0.5),  # the rise is linear over 50 of 1000 steps
        (0.05, 1),
        (0.5, 1),
        (0.75, 1),
        (0.875, 0.5),  # the fall is half a cosine over the last 250
        (0.75 + 0.25 / 3, 0.75),
        (1, 0),
    ],
)
def test_the_rate_rises_stays_and_falls(time, share):
    assert learning_rate_factor(time) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(("time", "factor"), [(0, 1), (0.375, 1 / 4), (0.6, 1 / 25)])
def test_noise_on_w_falls_with_the_square_of_what_is_left(time, factor):
    assert w_noise_std(time, 8.0) == pytest.approx(0.05 * 8 * factor)


@pytest.mark.parametrize("time", [0.75, 0.9, 1])
@pytest.mark.parametrize("form", ["code", "paper"])
def test_the_last_quarter_has_no_noise_on_w(time, form):
    assert w_noise_std(time, 8.0, form) == 0


def test_the_paper_can_be_read_as_a_variance():
    assert w_noise_std(0.375, 8.0, "paper") == pytest.approx(math.sqrt(0.05 * 8) / 2)
