"""Figures 9 and 10 of StyleGAN2: what they show is what the projector finds."""

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.projections import (
    GeneratedAndRealProjections,
    ProjectedExample,
    example_projections,
    project_images,
    projection_histograms,
)
from stylesmith.images import to_uint8
from stylesmith.inversion import LatentOptimizer, ProjectionSettings, Projector
from stylesmith.inversion.projection_targets import generated_targets, real_targets
from stylesmith.perception.extractors import PixelDistance
from tests.figures.conftest import no_progress
from tests.support import CPU, make_photos

STEPS = 6


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", size=8, count=6)


def figure_options(photos, **other) -> FigureOptions:
    return FigureOptions(
        **({"data": photos, "steps": STEPS, "distance": "pixels", "count": 2} | other)
    )


def by_hand(figure_input, photos, folder, count=2):
    """Projections of both kinds, without the figure."""
    settings = ProjectionSettings(steps=STEPS)
    generator = figure_input.generator
    targets = [
        *generated_targets(generator, count, settings),
        *real_targets(photos, generator, count, settings),
    ]
    projector = Projector(LatentOptimizer(generator, PixelDistance(CPU), settings), folder)
    return list(projector.project(targets))


def read_image(path) -> torch.Tensor:
    with Image.open(path) as image:
        return torch.tensor(list(image.get_flattened_data())).view(8, 8, 3).permute(2, 0, 1)


def made_up(generated, real) -> GeneratedAndRealProjections:
    image = torch.zeros(3, 4, 4)
    kinds = [
        [ProjectedExample(image, image, [], d) for d in values] for values in (generated, real)
    ]
    return GeneratedAndRealProjections("model", "pixels", *kinds)


def test_images_and_distances_are_those_of_the_projector(make_figure_input, photos, tmp_path):
    figure_input = make_figure_input(figure_options(photos), levels=2)
    layout = example_projections(figure_input, no_progress)
    wanted = by_hand(figure_input, photos, tmp_path / "out")
    generated, real = layout.image_panels
    assert (*generated.columns, *real.columns) == tuple(f"{one.distance:.3g}" for one in wanted)
    images = torch.cat([generated.images, real.images], dim=1)
    for column, one in enumerate(wanted):
        assert torch.equal(images[0, column], one.target.image)
        assert torch.equal(
            to_uint8(images[1, column]), read_image(one.folder.result).to(torch.uint8)
        )


def test_other_images_change_no_projection_and_order_is_kept(make_figure_input, photos):
    figure_input = make_figure_input(levels=2)
    search = LatentOptimizer(
        figure_input.generator, PixelDistance(CPU), ProjectionSettings(steps=STEPS)
    )
    targets = generated_targets(figure_input.generator, 3, search.settings)
    together = project_images(search, targets[::-1], no_progress)
    (alone,) = project_images(search, targets[:1], no_progress)
    assert torch.equal(together[2].target, targets[0].image)
    assert together[2].distance == pytest.approx(alone.distance, rel=1e-4)


def test_progress_counts_all_models(make_figure_input, photos):
    other = make_figure_input(name="other", levels=2, seed=1)
    told = []
    figure_input = make_figure_input(figure_options(photos, other=other.path), levels=2)
    layout = example_projections(figure_input, lambda done, total: told.append((done, total)))
    assert told[-1] == (2 * 4 * STEPS, 2 * 4 * STEPS)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    first, _, second, _ = layout.image_panels
    assert (first.title, second.title) == ("model, generated images", "other, generated images")
    assert not torch.equal(first.images[0], second.images[0])


def test_histograms_hold_every_image_in_percent(make_figure_input, photos, tmp_path):
    figure_input = make_figure_input(figure_options(photos), levels=2)
    layout = projection_histograms(figure_input, no_progress)
    ((chart,),) = layout.panels
    axes = Figure().subplots()
    chart.plot(axes)
    bars = [sum(bar.get_height() for bar in group) for group in axes.containers]
    assert bars == pytest.approx([100, 100])
    distances = sorted(one.distance for one in by_hand(figure_input, photos, tmp_path / "out"))
    ticks = sorted(float(x) for line in axes.lines for x in line.get_xdata())
    assert ticks == pytest.approx(distances)
    assert "distance (pixels)" in axes.get_xlabel() and "AUC" in layout.caption


def test_numbers_in_words():
    text = made_up([0.1, 0.3, 0.2], [0.4, 0.15]).describe()
    assert text == (
        "model: median distance 0.2 of generated, 0.275 of real images, ratio 0.73; AUC 0.67"
    )
    assert "ratio" not in made_up([0.0], [0.0]).describe()


@pytest.mark.parametrize(
    "fields",
    [
        {"image_channels": 1},
        {"image_channels": 4},
        {"label_size": 2},
        {"base": (3, 4)},
        {"kind": "traditional", "connection": "grow", "constant_input": False, "noise": False},
    ],
)
def test_every_kind_of_network(make_figure_input, photos, fields):
    figure_input = make_figure_input(figure_options(photos, count=1), levels=2, **fields)
    layout = example_projections(figure_input, no_progress)
    shape = (2, 1, fields.get("image_channels", 3), *figure_input.generator.image_size)
    assert [panel.images.shape for panel in layout.image_panels] == [shape, shape]
    assert ("noise inputs" in layout.caption) == fields.get("noise", True)


def test_images_too_small_for_lpips_are_said_to_go_by_another_distance(make_figure_input, photos):
    figure_input = make_figure_input(figure_options(photos, distance=None, count=1), levels=2)
    caption = projection_histograms(figure_input, no_progress).caption
    assert "LPIPS needs images of 16 pixels or more: the distance is 'random', whose" in caption


def test_refusals(make_figure_input, photos, tmp_path):
    with pytest.raises(ModelError, match=r"lacks its training data.*name real images by --data"):
        example_projections(make_figure_input(figure_options(None), levels=2), no_progress)
    with pytest.raises(UsageError, match="has 6 images, fewer than --count 7"):
        example_projections(
            make_figure_input(figure_options(photos, count=7), levels=2), no_progress
        )
    with pytest.raises(DataError, match="nowhere"):
        example_projections(
            make_figure_input(figure_options(tmp_path / "nowhere"), levels=2), no_progress
        )
    with pytest.raises(UsageError, match="class"):
        example_projections(
            make_figure_input(figure_options(photos, label=1), levels=2), no_progress
        )
