"""The controller of the strength: its signals, its course, its bounds and its guard."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.augment.controller import (
    Overfitting,
    adjust,
    direction,
    window_sums,
)
from stylesmith.config.augment import StrengthConfig
from stylesmith.errors import ConfigError

R_T, R_V = StrengthConfig(signal="r_t"), StrengthConfig(signal="r_v")
RIGHT, WRONG = torch.ones(64), -torch.ones(64)


def run(settings: StrengthConfig, sums: Tensor, windows: int, p: float = 0.0) -> list[float]:
    """The course of p under constant scores, in windows of four steps of 64 images."""
    strength, course = torch.tensor(p), []
    for _ in range(windows):
        strength = adjust(settings, strength, sums, images=4 * 64)
        course.append(strength.item())
    return course


def test_p_goes_from_0_to_1_in_the_adjustment_length():
    course = run(R_T, window_sums(RIGHT), 1954)
    assert course[0] == pytest.approx(5.12e-4)
    assert course[-2] < 1 and course[-1] == 1
    assert run(R_T.change(kimg=100), window_sums(RIGHT), 1)[-1] == pytest.approx(5.12e-4 * 5)


def test_p_stays_in_0_to_1_and_comes_back_at_once():
    settings = R_T.change(kimg=1)
    up = run(settings, window_sums(RIGHT), 10)
    assert up[-1] == 1.0
    down = run(settings, window_sums(WRONG), 1, p=1.0)
    assert down[-1] == pytest.approx(1 - 0.256)
    assert run(settings, window_sums(WRONG), 10)[-1] == 0.0


def test_p_rests_where_the_signal_is_the_target():
    half = torch.cat([RIGHT, RIGHT, RIGHT, WRONG])  # r_t = 0.5
    assert run(R_T.change(target=0.5), window_sums(half), 10, p=0.3)[-1] == pytest.approx(0.3)
    assert run(R_T.change(target=0.4), window_sums(half), 10, p=0.3)[-1] > 0.3
    assert run(R_T, window_sums(half), 10, p=0.3)[-1] < 0.3


def test_default_targets_are_those_of_the_paper():
    assert (R_T.target_value, R_V.target_value) == (0.6, 0.5)
    assert R_V.change(target=0.3).target_value == 0.3
    assert (R_T.interval, R_T.kimg) == (4, 500)


def test_the_signals_of_a_window():
    reals, fakes, held_out = torch.tensor([3.0, 1.0, -1.0, 0.0]), 2 * WRONG, torch.tensor([0.0])
    found = Overfitting.of(window_sums(reals, fakes, held_out))
    assert_close(found.r_t, torch.tensor(0.25))
    assert_close(found.distance, torch.tensor(2.75))
    assert_close(found.r_v, torch.tensor(0.75 / 2.75))


def test_windows_add_up_and_a_common_factor_changes_nothing():
    scores = torch.randn(3, 12)
    whole = window_sums(*scores)
    parts = sum((window_sums(*scores[:, i : i + 4]) for i in (0, 4, 8)), torch.zeros(7))
    assert_close(parts, whole)
    for window in (parts, whole / 7):
        assert_close(Overfitting.of(window).r_v, Overfitting.of(whole).r_v)
        assert direction(R_V, window) == direction(R_V, whole)


def test_r_v_follows_held_out_images():
    near_fakes = window_sums(RIGHT, WRONG, torch.full((8,), -0.9))
    near_reals = window_sums(RIGHT, WRONG, torch.full((8,), 0.9))
    assert direction(R_V, near_fakes) == 1
    assert direction(R_V, near_reals) == -1


def test_with_r_v_p_goes_down_where_reals_and_fakes_are_hardly_told_apart():
    close = window_sums(RIGHT * 0.09, WRONG * 0.09, WRONG * 9)
    assert direction(R_V, close) == -1
    assert direction(R_V.change(guard=0.1), close) == 1
    assert direction(R_T, close) == 1
    turned = window_sums(WRONG, RIGHT, WRONG)
    assert direction(R_V, turned) == -1


def test_nothing_moves_without_scores_or_with_a_fixed_strength():
    assert direction(R_V, window_sums(RIGHT, WRONG)) == 0
    assert direction(R_V, torch.zeros(7)) == 0
    assert adjust(R_T, torch.tensor(0.3), torch.zeros(7), images=256) == pytest.approx(0.3)
    fixed = StrengthConfig(signal="fixed", initial=0.4)
    assert run(fixed, window_sums(RIGHT), 10, p=0.4)[-1] == pytest.approx(0.4)


def test_nothing_is_read_on_the_host():
    scores = torch.ones(8, device="meta")
    sums = window_sums(scores, scores, scores)
    moved = adjust(R_V, torch.zeros((), device="meta"), sums, images=8)
    assert moved.device.type == "meta"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"initial": 1.2}, "initial: input should be less than or equal to 1, got 1.2"),
        ({"signal": "rt"}, "signal: input should be 'fixed', 'r_t' or 'r_v', got 'rt'"),
        ({"kimg": 0}, "kimg: input should be greater than 0, got 0"),
    ],
)
def test_wrong_settings_are_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        StrengthConfig().change(**setting)
