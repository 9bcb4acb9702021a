import math

import pytest
import torch

from stylesmith.errors import UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.phase_artifacts import (
    coarse_style_path,
    detail_bands,
    mark_column,
    most_static_pixel,
    phase_artifacts,
    slice_over_time,
    static_energy_fractions,
)
from stylesmith.sampling import NoiseSettings
from tests.figures.conftest import no_progress


def waves(offsets: torch.Tensor) -> torch.Tensor:
    """Stripes with a period of 4 pixels, moved to the right by each offset, `(T, 1, 16, 16)`."""
    angle = (torch.arange(16) - offsets[:, None]) * (2 * math.pi / 4)
    return angle.sin()[:, None, None].expand(-1, 1, 16, 16).double()


def test_frames_that_do_not_move_have_the_measure_1():
    frames = torch.randn(1, 3, 16, 16).expand(5, -1, -1, -1)
    assert static_energy_fractions(frames, 3) == pytest.approx([1, 1])
    assert static_energy_fractions(torch.zeros(4, 3, 16, 16), 3) == [1, 1]


def test_a_pattern_that_moves_through_its_period_has_the_measure_0():
    frames = waves(torch.arange(8) * 0.5)
    assert static_energy_fractions(frames, 3) == pytest.approx([0, 0], abs=1e-12)
    assert static_energy_fractions(frames[:2], 3)[1] > 0.5  # it has hardly moved yet


def test_frames_with_nothing_in_common_have_one_over_their_number():
    frames = torch.randn(10, 3, 64, 64)
    assert static_energy_fractions(frames, 3) == pytest.approx([0.1, 0.1], abs=0.01)


def test_a_detail_that_stays_on_what_moves_is_told_from_one_that_goes_along():
    columns = torch.arange(16)
    heads = [torch.exp(-((columns - 4 - t) ** 2) / 8.0) for t in range(8)]
    coarse = torch.stack(heads)[:, None, None].expand(-1, 1, 16, 16)
    teeth = torch.where(columns % 2 == 0, 1.0, -1.0).expand(8, 1, 16, 16)
    going = torch.stack([row.roll(t, dims=-1) for t, row in enumerate(teeth)])
    assert static_energy_fractions(coarse + teeth, 3)[1] > 0.9
    assert static_energy_fractions(coarse + going, 3)[1] < 0.1


def test_details_of_all_levels_have_the_energy_of_the_image():
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    bands = detail_bands(images, 3)
    assert [band.shape[-1] for band in bands] == [8, 16]
    means = torch.nn.functional.avg_pool2d(images, 4)
    energy = means.square().sum() * 16 + bands[0].square().sum() * 4 + bands[1].square().sum()
    torch.testing.assert_close(energy, images.square().sum())


def test_the_place_where_details_stay_is_found():
    frames = 0.1 * torch.randn(20, 3, 32, 32)
    frames[:, :, 20, 9] += 1
    row, column = most_static_pixel(frames)
    assert abs(row - 20) <= 1 and abs(column - 9) <= 1


def test_a_slice_has_a_row_of_each_frame_in_order():
    frames = torch.randn(5, 3, 8, 8)
    strip = slice_over_time(frames, 6)
    assert strip.shape == (3, 5, 8) and torch.equal(strip[:, 4], frames[4, :, 6])


def test_the_line_covers_the_middle_of_one_column():
    marked = mark_column(torch.zeros(2, 1, 64, 32), 3)
    assert marked.shape == (2, 3, 128, 128)
    assert marked[:, :, :, 14].abs().sum() > 0
    marked[:, :, :, 14] = 0
    assert not marked.any()


def test_coarse_styles_go_and_the_others_stay(make_figure_input):
    pipeline = make_figure_input().pipeline(noise=NoiseSettings("none"))
    path = coarse_style_path(pipeline, [3, 4], 5)
    first, second = pipeline.ws([3, 4])
    torch.testing.assert_close(path.ws[0], first)
    torch.testing.assert_close(path.ws[-1, :4], second[:4])
    torch.testing.assert_close(path.ws[2, :4], (first + second)[:4] / 2)
    assert torch.equal(path.ws[-1, 4:], first[4:])
    assert all(noise is None for noise in path.noise)


def test_a_path_from_a_source_to_itself_does_not_move(make_figure_input):
    layout = phase_artifacts(make_figure_input(FigureOptions(seeds=[2, 2], count=4)), no_progress)
    frames = layout.image_panels[0].images[0]
    assert len(frames) == 4 and torch.equal(frames[0], frames[3])


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "traditional", "connection": "grow", "constant_input": False, "image_channels": 1},
        {"image_channels": 4, "base": (3, 4)},
        {"connection": "resid", "noise": False},
    ],
)
def test_any_model_is_drawn(make_figure_input, fields):
    layout = phase_artifacts(make_figure_input(FigureOptions(count=3), **fields), no_progress)
    frames, strip = (panel.images[0] for panel in layout.image_panels)
    assert not torch.equal(frames[0], frames[2])
    assert frames.shape[-1] == strip.shape[-1] >= 128 and strip.shape[-2] >= 128


def test_too_few_frames_or_sources_are_refused(make_figure_input):
    with pytest.raises(UsageError, match="--count 1: wanted at least two frames"):
        phase_artifacts(make_figure_input(FigureOptions(count=1)), no_progress)
    with pytest.raises(UsageError, match="names 3; this figure shows 2 images"):
        phase_artifacts(make_figure_input(FigureOptions(seeds=[1, 2, 3])), no_progress)
