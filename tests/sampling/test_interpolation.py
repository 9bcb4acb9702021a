"""Paths: exact at keyframes, on the sphere where they should be, and closed without a seam."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline
from torch.testing import assert_close

from stylesmith.networks.latent_functions import slerp_with_length
from stylesmith.sampling.video import lerp_loop, slerp_loop, spline_loop

LOOPS = [slerp_loop, lerp_loop, spline_loop]
EXACT = {"atol": 1e-9, "rtol": 1e-9}


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_slerp_ends_where_it_should():
    a, b = randn(5, 8), randn(5, 8)
    for t, wanted in ((0.0, a), (1.0, b)):
        assert_close(slerp_with_length(a, b, torch.full((5, 1), t).double()), wanted, **EXACT)


def test_slerp_stays_on_the_sphere_and_turns_evenly():
    a, b = (torch.nn.functional.normalize(randn(8), dim=0) * 3 for _ in range(2))
    points = slerp_with_length(a, b, torch.linspace(0, 1, 11, dtype=torch.float64)[:, None])
    assert_close(points.norm(dim=1), torch.full((11,), 3.0).double(), **EXACT)
    angles = ((points[1:] * points[:-1]).sum(dim=1) / 9).acos()
    assert_close(angles, angles[0].expand(10), **EXACT)
    assert float(angles.sum()) == pytest.approx(float((a @ b / 9).acos()))


def test_slerp_of_different_lengths_goes_from_one_to_the_other():
    a, b = randn(8), randn(8) * 4
    half = slerp_with_length(a, b, torch.tensor([0.5]).double())
    assert float(half.norm()) == pytest.approx(float(a.norm() + b.norm()) / 2)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0])
def test_slerp_between_parallel_latents_is_straight(factor):
    a = randn(8)
    t = torch.tensor([0.3], dtype=torch.float64)
    assert_close(slerp_with_length(a, factor * a, t), (0.7 + 0.3 * factor) * a, **EXACT)
    assert slerp_with_length(a * 0, a * 0, t).isfinite().all()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_loops_pass_their_keyframes_and_close(loop, count):
    keyframes = randn(count, 8)
    times = torch.arange(2 * count).double()
    assert_close(loop(keyframes, times), torch.cat([keyframes, keyframes]), **EXACT)
    step = 1e-7
    ends = loop(keyframes, torch.tensor([count - step, count + step], dtype=torch.float64))
    assert_close(ends[0], ends[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_smooth_loop_is_the_periodic_cubic_spline(count):
    keyframes = randn(count, 4, 3)
    closed = np.concatenate([keyframes.numpy(), keyframes[:1].numpy()])
    spline = CubicSpline(np.arange(count + 1), closed, bc_type="periodic")
    times = torch.linspace(0, count, 50, dtype=torch.float64)[:-1]
    assert_close(spline_loop(keyframes, times), torch.from_numpy(spline(times.numpy())), **EXACT)


def test_straight_loops_are_halfway_at_half_the_time():
    keyframes = randn(3, 2, 5)
    half = lerp_loop(keyframes, torch.tensor([0.5, 2.5]).double())
    assert_close(half[0], (keyframes[0] + keyframes[1]) / 2, **EXACT)
    assert_close(half[1], (keyframes[2] + keyframes[0]) / 2, **EXACT)


def test_loops_keep_the_format_of_keyframes():
    for loop in LOOPS:
        path = loop(torch.randn(3, 8), torch.tensor([0.25, math.pi]).double())
        assert path.dtype == torch.float32 and path.shape == (2, 8)
