from pathlib import Path

import pytest
import torch

from stylesmith.errors import UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.image_grids import (
    HAND_PICKED_SEEDS,
    RANDOM_SAMPLE_SEEDS,
    UNCURATED_CAT,
    UNCURATED_FFHQ,
    hand_picked_samples,
    random_samples,
    stream_latents,
)
from stylesmith.latents import latents_from_seeds
from tests.figures.conftest import no_progress


def test_the_stream_of_a_seed_begins_with_the_latent_of_that_seed():
    assert torch.equal(stream_latents(5, 4, 8)[:1], latents_from_seeds([5], 8))


def test_psi_acts_up_to_32x32_alone(make_figure_input):
    figure_input = make_figure_input(levels=5)
    (panel,) = UNCURATED_FFHQ(figure_input, no_progress).image_panels
    generator = figure_input.generator
    w = generator.broadcast(generator.mapping(stream_latents(5, 1, 8)))
    ws = generator.mapping.w_avg.expand_as(w).lerp(w, 0.7)
    ws[:, 8:] = w[:, 8:]
    wanted = generator.draw(ws)[0].clamp(-1, 1)
    found = panel.images[0, 0][:, :256:4, :256:4]
    torch.testing.assert_close(found, wanted.detach(), atol=1e-5, rtol=0)


def test_the_seed_and_psi_can_be_chosen(make_figure_input):
    figure_input = make_figure_input(
        FigureOptions(seeds=[3], psi=1.0),
        kind="traditional",
        connection="grow",
        constant_input=False,
        image_channels=1,
    )
    layout = UNCURATED_CAT(figure_input, no_progress)
    (panel,) = layout.image_panels
    assert panel.images.shape == (1, 1, 1, 5 * 256, (2 + 2 / 2 + 3 / 4) * 256)
    first = panel.images[0, 0][:, :256:16, :256:16]
    torch.testing.assert_close(
        first, figure_input.generator.sample([3], precision="fp32")[0], atol=1e-5, rtol=0
    )
    assert "stream of seed 3" in layout.caption and "psi = 1 " in layout.caption


@pytest.mark.parametrize("seeds", [[1, 2], [Path("face.safetensors")]])
def test_uncurated_samples_have_one_seed(make_figure_input, seeds):
    with pytest.raises(UsageError, match="takes one seed"):
        UNCURATED_FFHQ(make_figure_input(FigureOptions(seeds=seeds)), no_progress)


def test_hand_picked_images_are_those_of_the_published_seeds_untruncated(make_figure_input):
    figure_input = make_figure_input()
    (panel,) = hand_picked_samples(figure_input, no_progress).image_panels
    wanted = figure_input.generator.sample(HAND_PICKED_SEEDS, precision="fp32")
    torch.testing.assert_close(panel.images.flatten(0, 1), wanted, atol=1e-5, rtol=0)


def test_random_outputs_of_a_class_are_truncated_at_all_resolutions(make_figure_input):
    figure_input = make_figure_input(FigureOptions(label=1), label_size=3)
    (panel,) = random_samples(figure_input, no_progress).image_panels
    wanted = figure_input.generator.sample(RANDOM_SAMPLE_SEEDS, psi=0.5, label=1, precision="fp32")
    found = panel.images.flatten(0, 1)
    torch.testing.assert_close(found[:26], wanted, atol=1e-5, rtol=0)
    assert found[26:].isnan().all()
