"""Figure 18 of StyleGAN2: signal in noise maps, and what keeps it out."""

import re
from dataclasses import replace

import pytest
import torch

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.projections import (
    NOISE_DISPLAY_STDS,
    finest_noise_maps,
    noise_map_image,
    noise_regularization,
)
from stylesmith.inversion import noise_regularizer
from tests.figures.conftest import no_progress
from tests.support import make_photos

STEPS = 25


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", size=16, count=4)


@pytest.fixture
def chosen(photos) -> FigureOptions:
    return FigureOptions(data=photos, steps=STEPS, distance="pixels")


def measures(panel) -> list[float]:
    """The total of a column, and what its maps have."""
    return [float(re.search(r": (\S+)", words)[1]) for words in (panel.title, *panel.rows[2:])]


def test_with_the_regularizer_maps_have_less_autocorrelation(make_figure_input, chosen):
    told = []
    figure_input = make_figure_input(replace(chosen, steps=60))
    layout = noise_regularization(figure_input, lambda done, total: told.append((done, total)))
    off, on = layout.image_panels
    assert off.title.startswith("Regularization off") and on.title.startswith("Regularization on")
    assert all(a < b / 10 for a, b in zip(measures(on), measures(off), strict=True))
    assert told[-1] == (120, 120)


def test_both_columns_have_one_target_and_maps_of_two_resolutions(make_figure_input, chosen):
    off, on = noise_regularization(make_figure_input(chosen, levels=3), no_progress).image_panels
    assert off.images.shape == (4, 1, 3, 16, 16)
    assert torch.equal(off.images[0], on.images[0])
    assert not torch.equal(off.images[1], on.images[1])
    assert [row.split(":")[0] for row in off.rows] == [
        *("target image", "re-synthesized", "noise 16x16", "noise 8x8")
    ]
    small = off.images[3, 0]
    assert torch.equal(small, small[:, ::2, ::2].repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_labels_are_the_regularizer_of_what_is_shown(make_figure_input, chosen):
    _, on = noise_regularization(make_figure_input(chosen, levels=2), no_progress).image_panels
    off, _ = noise_regularization(make_figure_input(chosen, levels=2), no_progress).image_panels
    for panel in (off, on):
        shown = panel.images[2, 0, :1][None] * NOISE_DISPLAY_STDS  # black and white are cut off
        assert measures(panel)[1] == pytest.approx(float(noise_regularizer([shown])), abs=0.02)


def test_the_last_map_of_each_resolution_is_shown():
    sides = (4, 8, 8, 16, 16)
    maps = [torch.full((1, 1, side, side), i) for i, side in enumerate(sides)]
    assert [int(shown[0, 0, 0, 0]) for shown in finest_noise_maps(maps)] == [4, 2]
    assert len(finest_noise_maps(maps[:1])) == 1


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_maps_as_images_are_gray_and_opaque(channels):
    noise_map = torch.tensor([[[0.0, 1.25], [-2.5, 9.0]]])
    image = noise_map_image(noise_map, torch.zeros(channels, 4, 4))
    assert image.shape == (channels, 4, 4)
    assert image[0, ::2, ::2].tolist() == [[0, 0.5], [-1, 1]]
    assert (image[-1] == (1 if channels == 4 else image[0])).all()


def test_the_image_may_come_from_another_model(make_figure_input):
    other = make_figure_input(name="other", seed=5)
    figure_input = make_figure_input(FigureOptions(other=other.path, steps=1, distance="pixels"))
    layout = noise_regularization(figure_input, no_progress)
    assert "seed 0 of other" in layout.caption
    wanted = other.generator.sample([0], noise="random", precision="fp32")[0]
    torch.testing.assert_close(
        layout.image_panels[0].images[0, 0], wanted.clamp(-1, 1), atol=5e-3, rtol=0
    )


def test_a_network_that_is_not_square(make_figure_input, chosen):
    figure_input = make_figure_input(chosen, levels=2, base=(3, 4))
    off, _ = noise_regularization(figure_input, no_progress).image_panels
    assert off.images.shape == (4, 1, 3, 6, 8)
    assert [row.split(":")[0] for row in off.rows[2:]] == ["noise 8x6", "noise 4x3"]


def test_refusals(make_figure_input, chosen, photos):
    with pytest.raises(ModelError, match="lacks noise inputs"):
        noise_regularization(make_figure_input(chosen, noise=False), no_progress)
    with pytest.raises(ModelError, match="lacks its training data"):
        noise_regularization(make_figure_input(), no_progress)
    other = make_figure_input(name="other", levels=2)
    with pytest.raises(UsageError, match=r"draws images of \(3, 8, 8\), .* of \(3, 16, 16\)"):
        noise_regularization(make_figure_input(FigureOptions(other=other.path)), no_progress)
    both = FigureOptions(other=other.path, data=photos)
    with pytest.raises(UsageError, match="--data and --other"):
        noise_regularization(make_figure_input(both), no_progress)
