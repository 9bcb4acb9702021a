"""Style mixing: equal sources change nothing, and layers come from where the figure says."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylesmith import images as pixels
from stylesmith.errors import UsageError
from stylesmith.sampling import MixingRow, NoiseSettings, mix_styles
from stylesmith.sampling.editing import write_mixing_grid

TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}


@pytest.mark.parametrize("layers", [(0,), (0, 1, 2, 3), (4, 5), (0, 2, 5)])
def test_mixing_equal_sources_changes_nothing(make_pipeline, layers):
    pipeline = make_pipeline()
    codes = pipeline.codes([3])
    mixed = mix_styles(codes, pipeline.codes([3]), layers, pipeline.config)
    assert torch.equal(pipeline.draw(mixed), pipeline.draw(codes))


def test_styles_of_all_layers_leave_only_the_noise(make_pipeline):
    pipeline = make_pipeline(settings={"noise": NoiseSettings("random")})
    own, other = pipeline.codes([3]), pipeline.codes([5])
    mixed = mix_styles(own, other, tuple(range(6)), pipeline.config)
    assert torch.equal(mixed.ws, other.ws)
    assert mixed.noise is own.noise


def test_both_ways_of_a_crossover_part_the_styles(make_pipeline):
    pipeline = make_pipeline()
    a, b = pipeline.codes([3]), pipeline.codes([5])
    low, high = (0, 1, 2, 3), (4, 5)
    assert torch.equal(
        mix_styles(a, b, low, pipeline.config).ws, mix_styles(b, a, high, pipeline.config).ws
    )


def test_layers_without_a_style_are_refused(make_pipeline):
    pipeline = make_pipeline(**TRADITIONAL)
    codes = pipeline.codes([3])
    assert torch.equal(
        mix_styles(codes, pipeline.codes([5]), (0, 1), pipeline.config).ws, pipeline.codes([5]).ws
    )
    with pytest.raises(UsageError, match="layers 2-3: have no style here; one style, for layer 0"):
        mix_styles(codes, codes, (2, 3), pipeline.config)


def test_the_figure_has_sources_at_its_margins(make_pipeline, tmp_path):
    pipeline = make_pipeline()
    rows = [MixingRow(3, (0, 1)), MixingRow(5, (0, 1)), MixingRow(3, (4,))]
    pipeline.batch_size, told = 2, []
    write_mixing_grid(
        pipeline,
        rows,
        [7, 3, 8],
        tmp_path / "mix.png",
        on_progress=lambda *step: told.append(step),
    )
    page = np.asarray(Image.open(tmp_path / "mix.png"))
    assert page.shape == (4 * 16 + 2, 4 * 16 + 2, 3)  # a gap of an eighth behind each margin
    starts = [0, 18, 34, 50]

    def tile(row, column):
        top, left = starts[row], starts[column]
        return torch.from_numpy(page[top : top + 16, left : left + 16].astype(int)).permute(2, 0, 1)

    def assert_shows(row, column, codes):
        wanted = pixels.to_uint8(pipeline.draw(codes)[0]).int()
        assert (tile(row, column) - wanted).abs().max() <= 1, (row, column)

    for column, seed in enumerate([7, 3, 8], 1):
        assert_shows(0, column, pipeline.codes([seed]))
    for row, mixed in enumerate(rows, 1):
        own = pipeline.codes([mixed.source])
        assert_shows(row, 0, own)
        for column, seed in enumerate([7, 3, 8], 1):
            assert_shows(
                row, column, mix_styles(own, pipeline.codes([seed]), mixed.layers, pipeline.config)
            )
    assert (page[:16, :16] == 255).all() and (page[16:18] == 255).all()
    assert_close(told[-1], (15, 15))
