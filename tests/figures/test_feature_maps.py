import pytest
import torch

from stylesmith.errors import UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.feature_maps import (
    corrupted_image_activations,
    high_frequency_curve,
    nearest_and_farthest_rows,
    progressive_growing_activations,
)
from tests.figures.conftest import no_progress

GROWING = {"kind": "traditional", "connection": "grow", "constant_input": False}
MODELS = [
    GROWING | {"image_channels": 1},
    {"kind": "adain", "connection": "grow", "base": (3, 4)},
    {"connection": "resid", "image_channels": 4, "noise": False},
    {"connection": "multiscale", "max_channels": 2, "demodulate": False},
]


def test_the_row_far_from_all_others_is_the_least_usual():
    values = 2 + 0.1 * torch.rand(20, 3)
    values[7, 1] = 0.2  # a missing droplet at one resolution
    usual, unusual = nearest_and_farthest_rows(values)
    assert unusual == 7 and usual != 7


def test_the_row_of_means_is_the_most_usual():
    values = torch.tensor([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0]])
    assert nearest_and_farthest_rows(values)[0] == 1


@pytest.mark.parametrize("fields", MODELS)
def test_two_images_of_any_model_with_their_maps(make_figure_input, fields):
    figure_input = make_figure_input(FigureOptions(count=3), **fields)
    upper, lower = corrupted_image_activations(figure_input, no_progress).image_panels
    assert upper.title.startswith("most usual") and lower.title.startswith("most unusual")
    height, width = figure_input.generator.image_size
    shape = (min(3, figure_input.generator.config.max_channels), 4, height, width)
    assert upper.images.shape == (
        *shape[:2],
        figure_input.generator.config.image_channels,
        *shape[2:],
    )
    assert not torch.equal(upper.images[0, 0], lower.images[0, 0])


def test_chosen_seeds_are_shown_as_chosen(make_figure_input):
    figure_input = make_figure_input(FigureOptions(seeds=[5, 3]))
    layout = corrupted_image_activations(figure_input, no_progress)
    pipeline = figure_input.pipeline()
    images = pipeline.draw(pipeline.codes([5, 3]))
    shown = torch.stack([panel.images[0, 0] for panel in layout.image_panels])
    torch.testing.assert_close(shown, images)
    assert [panel.title for panel in layout.image_panels] == ["seed0005", "seed0003"]
    with pytest.raises(UsageError, match="names 3; this figure shows 2 images"):
        corrupted_image_activations(make_figure_input(FigureOptions(seeds=[1, 2, 3])), no_progress)


def test_the_extremes_of_one_image_are_refused(make_figure_input):
    with pytest.raises(UsageError, match="--count 1: wanted at least two"):
        corrupted_image_activations(make_figure_input(FigureOptions(count=1)), no_progress)


def test_figure_16_says_which_network_grows(make_figure_input):
    other = make_figure_input(name="second").path
    figure_input = make_figure_input(FigureOptions(count=2, other=other), name="first", **GROWING)
    titles = [
        panel.title
        for panel in progressive_growing_activations(figure_input, no_progress).image_panels
    ]
    assert titles == [
        "first (with progressive growing)",
        "second (without progressive growing)",
    ]


def test_high_frequencies_vanish_where_maps_are_repeated_pixels(make_figure_input):
    figure_input = make_figure_input(FigureOptions(count=2), **GROWING, blur=False, noise=False)
    for block in figure_input.generator.synthesis.blocks[
        1:
    ]:  # kernels of one weight, in the middle
        for layer in (block.layer0, block.layer1):
            center = layer.source.weight[:, :, 1:2, 1:2].clone()
            layer.source.weight.zero_()[:, :, 1:2, 1:2] = center
    curve = high_frequency_curve(figure_input, no_progress)
    assert list(curve) == ["8x8", "16x16"]
    assert list(curve.values()) == pytest.approx([0, 0], abs=1e-6)
    plain = make_figure_input(
        FigureOptions(count=2), name="plain", **GROWING, blur=False, noise=False
    )
    assert min(high_frequency_curve(plain, no_progress).values()) > 0.01
