import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from stylesmith.errors import UsageError
from stylesmith.figures import FigureInput, FigureOptions
from stylesmith.figures.generator_smoothness import (
    PATH_LENGTH_BINS,
    PATHS_PER_IMAGE,
    ImagePathLengths,
    low_and_high_path_lengths,
    measure_image_path_lengths,
    path_length_distribution,
    path_length_histogram,
)
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.sampling import SamplingPipeline
from tests.figures.conftest import no_progress

PIXELS = FigureOptions(distance="pixels", count=20)


def scores_of(values: list[float]) -> ImagePathLengths:
    return ImagePathLengths(np.array(values), "PPL", "")


def test_the_ends_are_a_tenth_of_the_images_each():
    scores = scores_of(list(np.random.default_rng(0).permutation(101).astype(float)))
    assert sorted(scores.values[scores.low_seeds]) == list(range(11))
    assert sorted(scores.values[scores.high_seeds]) == list(range(90, 101))


def test_the_histogram_counts_each_image_below_its_end_once():
    scores = scores_of([float(value) for value in range(101)])
    within, highlighted, edges = path_length_histogram(scores, 50.0, bins=5)
    assert edges.tolist() == [0, 10, 20, 30, 40, 50]
    assert highlighted.tolist() == [10, 1, 0, 0, 0]
    assert within.tolist() == [0, 9, 10, 10, 11]


def test_a_score_belongs_to_its_seed_whatever_the_count(make_figure_input):
    few, more = (
        measure_image_path_lengths(
            make_figure_input(FigureOptions(distance="pixels", count=count)), no_progress
        ).values
        for count in (3, 20)
    )
    np.testing.assert_allclose(more[:3], few, rtol=0.02)
    assert more.std() > 0.1 * more.mean()


def test_scores_of_a_linear_generator_have_a_closed_form(make_figure_input, monkeypatch):
    """Image = A w: the mean over directions of |A (end - w)|^2, by pixels over their number."""
    figure_input = make_figure_input(PIXELS, levels=2)
    matrix = torch.randn(8, 3 * 8 * 8)

    def draw(self: Generator, ws: torch.Tensor, noise: object = None) -> torch.Tensor:
        return (ws[:, 0] @ matrix).unflatten(1, (3, 8, 8))

    monkeypatch.setattr(Generator, "draw", draw)
    found = measure_image_path_lengths(figure_input, no_progress).values
    pipeline = figure_input.pipeline()
    ends = [ends_of(pipeline, seed) for seed in range(20)]
    w = pipeline.ws(range(20))[:, 0]
    moved = torch.stack([(end - row) @ matrix for row, end in zip(w, ends, strict=True)])
    wanted = moved.square().mean(dim=2).mean(dim=1)
    np.testing.assert_allclose(found, wanted.numpy(), rtol=0.02)


def ends_of(pipeline: SamplingPipeline, seed: int) -> torch.Tensor:
    z = [RandomKeys(0).normal(8, "end", seed, way) for way in range(PATHS_PER_IMAGE)]
    return pipeline.map_z(torch.stack(z))[:, 0]


def test_figure_4_shows_images_of_both_ends(make_figure_input):
    figure_input = make_figure_input(PIXELS)
    scores = measure_image_path_lengths(figure_input, no_progress)
    low, high = (
        panel.images for panel in low_and_high_path_lengths(figure_input, no_progress).image_panels
    )
    for images, seeds in ((low, scores.low_seeds), (high, scores.high_seeds)):
        wanted = figure_input.generator.sample(seeds.tolist(), precision="fp32")
        assert len(wanted) == 2
        shown = images.flatten(0, 1)
        differences = (shown[:, None] - wanted[None]).abs().flatten(2).amax(dim=2)
        assert differences.amin(dim=1).max() < 1e-5 and differences.amin(dim=0).max() < 1e-5


def test_figure_5_draws_both_models_on_one_scale(make_figure_input):
    other = make_figure_input(name="second", seed=1)
    choices = FigureOptions(distance="pixels", count=20, other=other.path)
    figure_input = make_figure_input(choices)
    (charts,) = path_length_distribution(figure_input, no_progress).panels
    axes = [Figure().add_subplot() for _ in charts]
    for chart, each in zip(charts, axes, strict=True):
        chart.plot(each)
    assert axes[0].get_xlim() == axes[1].get_xlim()
    for each, model in zip(
        axes, (figure_input, FigureInput(other.path, other.device, choices)), strict=True
    ):
        values = measure_image_path_lengths(model, no_progress).values
        heights = [patch.get_height() for patch in each.patches]
        assert len(heights) == 2 * PATH_LENGTH_BINS
        assert sum(heights) == (values <= each.get_xlim()[1]).sum()
        assert sum(heights[PATH_LENGTH_BINS:]) >= 2  # the lowest tenth is always on the axis


def test_lpips_is_named_or_said_to_be_missing(make_figure_input, tmp_path, monkeypatch):
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(tmp_path / "none"))
    layout = low_and_high_path_lengths(make_figure_input(FigureOptions(count=4)), no_progress)
    assert "the distance is 'random', whose values are no LPIPS" in layout.caption
    with pytest.raises(UsageError, match="needs images of 8 pixels"):
        measure_image_path_lengths(
            make_figure_input(FigureOptions(distance="random"), base=(4, 2), levels=2), no_progress
        )
