import pytest
import torch

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures import FigureOptions
from stylesmith.figures.style_figures import style_mixing
from tests.figures.conftest import no_progress

ORDER = ("Coarse styles from source B", "Middle styles from source B", "Fine styles from source B")


def panel_of(figure_input):
    (panel,) = style_mixing(figure_input, no_progress).image_panels
    return panel


def test_mixing_an_image_with_itself_changes_nothing(make_figure_input):
    images = panel_of(make_figure_input(FigureOptions(seeds=[7] * 8))).images
    assert images.shape[:2] == (6, 4)
    assert images[0, 0].isnan().all()
    rest = images.flatten(0, 1)[1:]
    torch.testing.assert_close(rest, rest[:1].expand_as(rest), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("levels", "rows"), [(2, (3, 0, 0)), (3, (3, 2, 0)), (5, (3, 2, 1))])
def test_there_are_rows_for_the_ranges_that_a_network_has(make_figure_input, levels, rows):
    panel = panel_of(make_figure_input(levels=levels))
    words = [word for word, count in zip(ORDER, rows, strict=True) for _ in range(count)]
    assert list(panel.rows) == ["", *words]
    assert list(panel.columns) == ["source A", *["source B"] * 5]


def test_a_row_takes_the_styles_of_its_range_from_source_b_and_the_rest_from_source_a(
    make_figure_input,
):
    figure_input = make_figure_input(FigureOptions(seeds=range(8)), levels=5)
    images = panel_of(figure_input).images
    generator = figure_input.generator
    ws = figure_input.pipeline().ws(range(8))
    for row, span in ((0, (0, 4)), (3, (4, 8)), (5, (8, 10))):
        mixed = ws[row].clone()
        mixed[slice(*span)] = ws[7, slice(*span)]
        wanted = generator.draw(mixed[None])[0].detach().clamp(-1, 1)
        torch.testing.assert_close(images[row + 1, 2], wanted, atol=1e-5, rtol=0)
        assert not torch.equal(images[row + 1, 2], images[row + 1, 0])


def test_one_w_for_all_layers_cannot_be_mixed(make_figure_input):
    figure_input = make_figure_input(kind="traditional", connection="grow", constant_input=False)
    with pytest.raises(ModelError, match="a style for each layer"):
        style_mixing(figure_input, no_progress)


def test_seeds_must_do_for_both_sources(make_figure_input):
    with pytest.raises(UsageError, match=r"wanted 5 for source A.*got 5"):
        style_mixing(make_figure_input(FigureOptions(seeds=range(5))), no_progress)
