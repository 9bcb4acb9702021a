import pytest
import torch

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.activations import capture_activations, max_normalized_rms
from stylesmith.figures.feature_maps import (
    activations_without_droplets,
    droplet_artifacts,
    mean_peak_curve,
)
from tests.figures.conftest import no_progress

ADAIN = {"kind": "adain", "connection": "grow"}
FEW = FigureOptions(count=2)


def test_figure_1_shows_the_same_maps_before_and_after(make_figure_input):
    layout = droplet_artifacts(make_figure_input(FEW, **ADAIN), no_progress)
    (panel,) = layout.image_panels
    assert panel.images.shape[:2] == (5, 4) and list(panel.columns)[1:] == ["4x4", "8x8", "16x16"]
    before, after = panel.images[0, 3, 0], panel.images[2, 3, 0]
    correlation = torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1]
    assert abs(correlation) > 0.9  # AdaIN shifts and scales, and only clipping differs


def test_figure_1_refuses_networks_without_instance_normalization(make_figure_input):
    with pytest.raises(ModelError, match=r"lacks instance normalization.*stylegan-c.*stylegan2-3"):
        droplet_artifacts(make_figure_input(), no_progress)


def test_figure_3_names_the_normalization_of_both(make_figure_input):
    other = make_figure_input(name="second").path
    figure_input = make_figure_input(FigureOptions(count=2, other=other), name="first", **ADAIN)
    layout = activations_without_droplets(figure_input, no_progress)
    assert [panel.title for panel in layout.image_panels] == [
        "first (instance normalization)",
        "second (weight demodulation)",
    ]


def test_the_chart_has_the_mean_over_images(make_figure_input):
    figure_input = make_figure_input(FigureOptions(count=3))
    pipeline = figure_input.pipeline()
    seen = capture_activations(pipeline, pipeline.codes([0, 1, 2]))
    wanted = [float(max_normalized_rms(maps).mean()) for maps in seen.features]
    curve = mean_peak_curve(figure_input, no_progress)
    assert list(curve) == ["4x4", "8x8", "16x16"]
    assert list(curve.values()) == pytest.approx(wanted, rel=1e-5)


def test_one_image_is_shown_and_more_are_refused(make_figure_input):
    with pytest.raises(UsageError, match=r"names 2; this figure shows 1 image$"):
        activations_without_droplets(make_figure_input(FigureOptions(seeds=[1, 2])), no_progress)
