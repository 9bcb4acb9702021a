"""The list of figures: complete, in order, and honest about what has an effect."""

from dataclasses import fields

import pytest

from stylesmith.errors import UsageError
from stylesmith.figures import FIGURES, FigureOptions, check_options, find_figure

NUMBERS = {"stylegan": 12, "stylegan2": 18}
"""Figures of each paper."""
DIAGRAMS = {"stylegan-1", "stylegan2-2", "stylegan2-7"}


def test_every_figure_of_both_papers_is_there_in_their_order():
    wanted = [f"{paper}-{i}" for paper, last in NUMBERS.items() for i in range(1, last + 1)]
    assert [figure.id for figure in FIGURES] == wanted


def test_only_diagrams_are_not_drawn():
    assert {figure.id for figure in FIGURES if figure.draw is None} == DIAGRAMS


def test_options_are_fields():
    known = {field.name for field in fields(FigureOptions)}
    assert all(figure.options <= known for figure in FIGURES)


def test_an_unknown_figure_names_the_nearest():
    with pytest.raises(UsageError, match=r"figure 'stylegan2-88': unknown. Did you mean 'stylegan"):
        find_figure("stylegan2-88")


@pytest.mark.parametrize("name", sorted(DIAGRAMS))
def test_a_diagram_says_where_it_is(name):
    with pytest.raises(UsageError, match="is a diagram"):
        find_figure(name)


def test_options_without_effect_are_refused():
    with pytest.raises(
        UsageError, match="--data: has no effect on stylegan-8, which takes --class"
    ):
        check_options(find_figure("stylegan-8"), FigureOptions(data="x"))
    check_options(find_figure("stylegan-8"), FigureOptions(seeds=[1]))
