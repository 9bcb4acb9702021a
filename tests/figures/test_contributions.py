from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from stylesmith.errors import ModelError
from stylesmith.figures import FigureInput, FigureOptions, find_figure
from stylesmith.figures.training_history import (
    contributions_over_training,
    evenly_spaced,
    torgb_contributions,
)
from stylesmith.models.serialization import save_weights
from tests.figures.conftest import no_progress
from tests.support import CPU


@pytest.fixture
def generator(tiny_generator):
    return tiny_generator().requires_grad_(False)


W = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))


def test_contributions_sum_to_1(generator):
    shares = torgb_contributions(generator, W)
    assert shares.shape == (3,) and (shares > 0).all()
    assert float(shares.sum()) == pytest.approx(1)


def test_they_are_deviations_of_what_to_rgb_gives(generator):
    synthesis = generator.synthesis
    ws = generator.broadcast(W)
    blocks = synthesis.blocks
    images = [
        blocks[state.level].to_rgb(state.features, ws[:, 2 * state.level + 1])
        for state in synthesis.levels(ws, synthesis.fixed_noise)
    ]
    variances = [image.var(dim=(0, 2, 3), correction=0).mean() for image in images]
    wanted = torch.stack(variances).double().sqrt()
    torch.testing.assert_close(
        torgb_contributions(generator, W), wanted / wanted.sum(), rtol=1e-5, atol=0
    )


def test_a_level_whose_to_rgb_is_zero_contributes_0(generator):
    generator.synthesis.blocks[1].to_rgb.weight.zero_()
    shares = torgb_contributions(generator, W)
    assert float(shares[1]) == 0 and float(shares.sum()) == pytest.approx(1)


def test_a_constant_color_is_no_contribution(generator):
    before = torgb_contributions(generator, W)
    generator.synthesis.blocks[0].to_rgb.bias.copy_(torch.tensor([1.0, -2.0, 0.5]))
    torch.testing.assert_close(torgb_contributions(generator, W), before, rtol=1e-5, atol=0)


def test_twice_the_weights_are_twice_the_contribution(generator):
    before = torgb_contributions(generator, W)
    generator.synthesis.blocks[2].to_rgb.weight.mul_(2)
    after = torgb_contributions(generator, W)
    torch.testing.assert_close(after[2] / after[0], 2 * before[2] / before[0])


def test_the_chart_of_a_run_has_every_snapshot(make_figure_input, tmp_path):
    figure_input = make_figure_input(FigureOptions(count=4))
    for images_seen, factor in ((2000, 1.0), (4000, 0.0), (10000, 1.0)):
        generator = figure_input.generator
        generator.synthesis.blocks[2].to_rgb.weight.mul_(factor)
        save_weights(figure_input.path / "snapshots" / f"{images_seen:09d}.safetensors", generator)
    layout = contributions_over_training(figure_input, no_progress)
    axes = Figure().subplots()
    layout.panels[0][0].plot(axes)
    assert axes.get_xlim() == (2, 10) and axes.get_ylim() == (0, 100)
    lowest, _, top = (area.get_paths()[0].vertices for area in axes.collections)
    assert top[:, 1].max() == pytest.approx(100)
    heights = {x: [y for at, y in top if at == x] for x in (2.0, 4.0)}
    assert max(heights[2.0]) - min(heights[2.0]) > 1
    assert max(heights[4.0]) - min(heights[4.0]) == pytest.approx(0, abs=1e-9)
    assert lowest[:, 1].min() == 0 and "at 3 snapshots" in layout.caption


def test_a_model_without_history_gives_bars(make_figure_input):
    layout = contributions_over_training(make_figure_input(FigureOptions(count=4)), no_progress)
    axes = Figure().subplots()
    layout.panels[0][0].plot(axes)
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100)


def test_classes_come_in_turn_or_one_alone(make_figure_input):
    figure_input = make_figure_input(label_size=3)
    everything, one = (
        contributions_over_training(
            FigureInput(figure_input.path, CPU, FigureOptions(count=6, label=label)), no_progress
        )
        for label in (None, 1)
    )
    assert "over 6 random w" in everything.caption and "over 6 random w" in one.caption


@pytest.mark.parametrize("connection", ["orig", "resid", "grow", "multiscale"])
def test_other_generators_are_refused(make_figure_input, connection):
    with pytest.raises(ModelError, match=r"lacks a toRGB of each.*skip generators.*stylegan2-e"):
        contributions_over_training(make_figure_input(connection=connection), no_progress)


def test_many_snapshots_are_thinned_between_the_first_and_the_last():
    paths = [Path(str(number)) for number in range(100)]
    thinned = evenly_spaced(paths, 5)
    assert [path.name for path in thinned] == ["0", "25", "50", "74", "99"]
    assert evenly_spaced(paths[:5], 5) == paths[:5]


def test_it_is_listed():
    assert find_figure("stylegan2-8").options == {"count", "label"}
