"""What figures are drawn from, and how they say what is missing."""

from pathlib import Path

import pytest

from stylesmith.errors import ModelError
from stylesmith.figures import FigureInput, FigureOptions
from tests import support
from tests.support import CPU


def test_what_the_user_chose_comes_before_what_the_figure_would_take(make_figure_input):
    plain = make_figure_input()
    assert plain.pipeline(psi=0.5).settings.psi == 0.5
    assert plain.sources(plain.pipeline(), [3, 4]) == [3, 4]
    chosen = make_figure_input(FigureOptions(seeds=[7], psi=0.3))
    assert chosen.pipeline(psi=0.5).settings.psi == 0.3
    assert chosen.sources(chosen.pipeline(), [3, 4]) == [7]


def test_what_a_network_lacks_is_said_with_what_has_it(make_figure_input):
    with pytest.raises(ModelError, match=r"lacks noise inputs.*generator.noise=true"):
        make_figure_input(noise=False).require_noise()
    make_figure_input(noise=True).require_noise()
    traditional = make_figure_input(
        kind="traditional", connection="grow", constant_input=False, noise=False
    )
    with pytest.raises(ModelError, match="lacks a style for each layer"):
        traditional.require_styles()


def test_a_model_alone_has_neither_log_nor_second_model(make_figure_input):
    figure_input = make_figure_input()
    with pytest.raises(ModelError, match="lacks a run's log"):
        _ = figure_input.run
    with pytest.raises(ModelError, match="name one by --other"):
        figure_input.second_model()


def test_a_run_has_its_folder(tmp_path):
    run = support.start(support.make_photos(tmp_path / "photos"), tmp_path / "run", steps=1)
    figure_input = FigureInput(run.path, CPU)
    assert figure_input.run == run and figure_input.name == "run"


def test_a_shipped_model_is_called_by_its_name():
    figure_input = FigureInput(Path("avatars"), CPU)
    assert figure_input.name == "avatars"
    with pytest.raises(ModelError, match=r"^avatars: lacks a run's log"):
        _ = figure_input.run
