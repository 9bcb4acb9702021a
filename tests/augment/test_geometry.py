"""Moves of pixels, affine maps, and the resampling filter, held to identities."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from stylesmith.augment.blit import shift_pixels
from stylesmith.augment.controller import LEAK_BOUND
from stylesmith.augment.geometry import (
    INTEGER_SHIFT,
    AffineMap,
    Gates,
    integer_shift,
    rotation_chance,
    sampling_map,
)
from stylesmith.augment.warp import (
    SYM6,
    doubling_matrix,
    halving_matrix,
    reflect,
    reflection_margins,
    warp,
)
from tests.augment.draws import generators, only, open_ada, set_normal, set_uniform

DOUBLE = {"dtype": torch.float64}


def affine(**fields: float) -> AffineMap:
    values = {"xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0, "x0": 0.0, "y0": 0.0} | fields
    return AffineMap(**{name: torch.tensor([value], **DOUBLE) for name, value in values.items()})


def test_the_filter_is_an_orthogonal_wavelet_with_six_vanishing_moments():
    taps = np.array(SYM6)
    assert taps.sum() == pytest.approx(math.sqrt(2), abs=1e-12)
    for shift in range(6):
        wanted = 1.0 if shift == 0 else 0.0
        assert taps[2 * shift :] @ taps[: 12 - 2 * shift] == pytest.approx(wanted, abs=1e-12)
    n, signs = np.arange(12.0), (-1.0) ** np.arange(12)
    for moment in range(6):
        scale = (n**moment * np.abs(taps)).sum()
        assert (signs * n**moment * taps).sum() / scale == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("side", [4, 9, 32])
def test_halving_undoes_doubling(side):
    first = 2 * (side - 1) - 5  # the samples that halving takes begin five before the image
    seen = doubling_matrix(side)[first : first + 2 * side + 10]
    assert np.abs(halving_matrix(side) @ seen - np.eye(side)).max() < 1e-11


def test_reflection_is_that_of_torch():
    positions = np.arange(-7, 15)
    wanted = F.pad(torch.arange(8.0)[None, None], (7, 7), mode="reflect").flatten()
    assert reflect(positions, 8).tolist() == wanted.tolist()
    assert reflect([0, 1, 2], 1).tolist() == [0, 0, 0]


def test_a_warp_by_whole_pixels_is_the_shifted_reflected_image():
    images = torch.rand(1, 3, 12, 16, **DOUBLE)
    for x, y in ((1, 0), (-3, 2), (0, -5)):
        to_input = affine(x0=-x, y0=-y)
        found = warp(images, to_input, reflection_margins(to_input, (12, 16)))
        wanted = F.pad(images, (8, 8, 8, 8), mode="reflect").roll((y, x), (2, 3))[..., 8:-8, 8:-8]
        assert_close(found, wanted, rtol=0, atol=1e-10)


def test_larger_margins_change_nothing():
    images = torch.rand(4, 3, 16, 16, **DOUBLE)
    pipeline = open_ada("geom", 3, 16, 16)
    draws = pipeline.draw(generators(4)).to("cpu", torch.float64)
    to_input = sampling_map(None, Gates(draws, torch.ones((), **DOUBLE)), (16, 16))
    own = reflection_margins(to_input, (16, 16))
    assert max(own) < 16
    assert_close(
        warp(images, to_input, own), warp(images, to_input, (15, 15, 15, 15)), rtol=0, atol=1e-12
    )


def test_margins_for_any_strength_hold_those_of_every_strength():
    """A strength on a GPU is not known on the host; the meta device stands for one."""
    pipeline = open_ada("bg", 3, 24, 24)
    for seed in range(3):
        draws = pipeline.draw(generators(3, seed))
        bound = pipeline.margins_on_host(draws, torch.zeros((), device="meta"))
        levels = torch.linspace(0, 1, 101).tolist()
        every = [pipeline.margins_on_host(draws, p) for p in levels]
        highest = tuple(max(margins[i] for margins in every) for i in range(4))
        assert all(a <= b for a, b in zip(highest, bound, strict=True))
        assert sum(bound) <= sum(highest) + 2


def test_constant_images_stay_constant_inside_the_reflected_area():
    to_input = affine(xx=0.6, xy=-0.8, yx=0.8, yy=0.6, x0=2.5, y0=-1.0)
    images = torch.full((1, 3, 20, 24), 0.7, **DOUBLE)
    found = warp(images, to_input, reflection_margins(to_input, (20, 24)))
    assert_close(found, images, rtol=0, atol=1e-10)


def test_beyond_the_reflected_area_there_is_gray():
    to_input = affine(x0=100.0)
    images = torch.ones(1, 3, 8, 8, **DOUBLE)
    found = warp(images, to_input, reflection_margins(to_input, (8, 8)))
    assert torch.equal(found, torch.zeros_like(found))


@pytest.mark.parametrize("fill", ["reflect", "zeros"])
def test_shifts_move_content_right_and_down(fill):
    images = torch.rand(3, 2, 6, 7)
    right, down = torch.tensor([2.0, 0.0, -6.0]), torch.tensor([-1.0, 5.0, 3.0])
    found = shift_pixels(images, right, down, fill=fill)
    mode = "reflect" if fill == "reflect" else "constant"
    for n in range(3):
        x, y = int(right[n]), int(down[n])
        wide = F.pad(images[n : n + 1], (6, 6, 5, 5), mode=mode)
        assert torch.equal(found[n], wide.roll((y, x), (2, 3))[0, :, 5:-5, 6:-6])


def test_blit_alone_only_moves_pixels():
    images = torch.rand(64, 3, 16, 16)
    pipeline = open_ada("blit", 3, 16, 16)
    draws = only(pipeline.draw(generators(64)), "flip", "quarter turns")
    found = pipeline.apply(images, draws, 1.0)
    versions = [images.rot90(k, (2, 3)) for k in range(4)]
    versions += [images.flip(3).rot90(k, (2, 3)) for k in range(4)]
    matches = torch.stack([(version == found).flatten(1).all(1) for version in versions])
    assert torch.equal(matches.sum(0), torch.ones(64, dtype=torch.long))
    assert matches.any(1).all()


def test_frequencies_of_flips_and_turns():
    count, p = 4000, 0.6
    pipeline = open_ada("blit", 1, 2, 2)
    draws = only(pipeline.draw(generators(count)), "flip", "quarter turns")
    images = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).expand(count, 1, 2, 2)
    found = pipeline.apply(images, draws, p).flatten(1)
    first = images[:1]
    turned = [first.rot90(k, (2, 3)) for k in range(4)]
    flipped = [first.flip(3).rot90(k, (2, 3)) for k in range(4)]
    for versions, share in ((turned, 1 - p / 2), (flipped, p / 2)):
        counts = [(found == version.flatten()).all(1).sum().item() for version in versions]
        chances = [(1 - 0.75 * p) * share] + [p / 4 * share] * 3
        for seen, chance in zip(counts, chances, strict=True):
            assert seen / count == pytest.approx(chance, abs=4 * math.sqrt(chance / count))


def test_images_that_are_not_square_are_turned_by_half_or_not_at_all():
    images = torch.rand(40, 3, 4, 6)
    pipeline = open_ada("blit", 3, 4, 6)
    found = pipeline.apply(images, only(pipeline.draw(generators(40)), "quarter turns"), 1.0)
    kept = (found == images).flatten(1).all(1)
    turned = (found == images.flip(2, 3)).flatten(1).all(1)
    assert torch.equal(kept, ~turned) and kept.any() and turned.any()


def test_one_rotation_at_least_happens_with_the_chance_of_the_strength():
    p = torch.linspace(0, 1, 11)
    assert_close(1 - (1 - rotation_chance(p)) ** 2, p)


def test_scales_shifts_and_rotations_have_their_distributions():
    count = 4000
    pipeline = open_ada("geom", 3, 16, 32)
    for name, deviation in (("scale", 0.2), ("stretch", 0.2), ("shift", None)):
        draws = only(pipeline.draw(generators(count)), name)
        m = sampling_map(None, Gates(draws, torch.ones(())), (16, 32))
        if name == "shift":
            assert m.x0.std() == pytest.approx(4, rel=0.1) and m.y0.std() == pytest.approx(
                2, rel=0.1
            )
            continue
        assert m.xx.log2().std() == pytest.approx(deviation, rel=0.1)
        ratio = m.yy.log2() if name == "scale" else -m.yy.log2()
        assert_close(ratio, m.xx.log2(), rtol=0, atol=1e-5)


def test_rotations_are_rigid_and_turn_by_their_angle():
    pipeline = open_ada("geom", 3, 16, 32)
    draws = only(pipeline.draw(generators(1)), "first rotation", "second rotation")
    set_uniform(draws, "first rotation", 0.5 + 1 / 12)  # 30 degrees
    set_uniform(draws, "second rotation", 0.5 + 1 / 24)  # 15 degrees
    m = sampling_map(None, Gates(draws, torch.ones(())), (16, 32))
    half = math.sqrt(0.5)
    assert_close(torch.cat([m.xx, m.xy, m.yx, m.yy]), torch.tensor([half, half, -half, half]))


def test_a_larger_scale_enlarges():
    pipeline = open_ada("geom", 1, 17, 17)
    draws = only(pipeline.draw(generators(1)), "scale")
    set_normal(draws, "scale", 5.0)  # twice as large
    image = torch.zeros(1, 1, 17, 17)
    image[..., 6:11, 6:11] = 1.0
    assert pipeline.apply(image, draws, 1.0).sum() == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    ("side", "wanted"), [(16, 0.889), (32, 0.8374), (64, 0.8254), (256, 0.8218), (1024, 0.8216)]
)
def test_integer_shifts_leak_above_four_fifths(side, wanted):
    """The mean over shifts can be undone while no eigenvalue 1 - p + p phi is 0."""
    count = 1 << 14
    draws = only(open_ada("blit", 1, side, side).draw(generators(1)), "integer shift")
    values = draws.values.repeat(count, 1)
    column = len(draws.plan.coins) + draws.plan.uniform.index("integer shift x")
    values[:, column] = (torch.arange(count) + 0.5) / count
    draws = type(draws)(draws.plan, values, values, None)
    shifts, _ = integer_shift(Gates(draws, torch.ones(())), (side, side))
    assert shifts.abs().max() == round(INTEGER_SHIFT * side)
    offsets, counts = shifts.unique(return_counts=True)
    w = torch.linspace(0, math.pi, 20001, **DOUBLE)
    phi = (torch.cos(w[:, None] * offsets) * (counts / count)).sum(1)
    assert 1 / (1 - phi.min().item()) == pytest.approx(wanted, abs=6e-4)
    assert (1 - LEAK_BOUND + LEAK_BOUND * phi).min() > 0


@pytest.mark.parametrize("transformation", ["rotation", "flip", "hue", "quarter turns"])
def test_uniform_turns_and_flips_have_eigenvalues_of_1_minus_p(transformation):
    """Their characteristic function is 0, so that they leak only at p = 1."""
    draws = open_ada("bgc", 3, 8, 8).draw(generators(4000))
    name = "first rotation" if transformation == "rotation" else transformation
    u = draws.uniform(name).double()
    steps = {"flip": 2, "quarter turns": 4}.get(transformation)
    phase = u if steps is None else (u * steps).floor() / steps
    phi = torch.polar(torch.ones_like(phase), 2 * math.pi * phase).mean().abs()
    assert phi < 4 / math.sqrt(4000)
