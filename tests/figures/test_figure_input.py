"""What figures are drawn from, and how they say what is missing."""

from pathlib import Path

import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.figures import FigureInput, FigureOptions
from tests import support
from tests.support import CPU


def test_what_the_user_chose_comes_before_what_the_figure_would_take(make_subject):
    plain = make_subject()
    assert plain.pipeline(psi=0.5).settings.psi == 0.5
    assert plain.sources(plain.pipeline(), [3, 4]) == [3, 4]
    chosen = make_subject(FigureOptions(seeds=[7], psi=0.3))
    assert chosen.pipeline(psi=0.5).settings.psi == 0.3
    assert chosen.sources(chosen.pipeline(), [3, 4]) == [7]


def test_what_a_network_lacks_is_said_with_what_has_it(make_subject):
    with pytest.raises(ModelError, match=r"lacks noise inputs.*generator.noise=true"):
        make_subject(noise=False).require_noise()
    make_subject(noise=True).require_noise()
    traditional = make_subject(
        kind="traditional", connection="grow", constant_input=False, noise=False
    )
    with pytest.raises(ModelError, match="lacks a style for each layer"):
        traditional.require_styles()


def test_a_model_alone_has_neither_discriminator_nor_log(make_subject):
    subject = make_subject()
    with pytest.raises(ModelError, match="lacks its discriminator"):
        _ = subject.discriminator
    with pytest.raises(ModelError, match="lacks a run's log"):
        _ = subject.run
    with pytest.raises(ModelError, match="name one by --other"):
        subject.other()


def test_a_run_has_both(tmp_path):
    run = support.start(support.make_photos(tmp_path / "photos"), tmp_path / "run", steps=1)
    subject = FigureInput(run.path, CPU)
    assert subject.run == run and subject.name == "run"
    assert torch.isfinite(subject.discriminator(torch.zeros(1, 3, 8, 8))).all()


def test_a_shipped_model_is_called_by_its_name():
    subject = FigureInput(Path("avatars"), CPU)
    assert subject.name == "avatars"
    with pytest.raises(ModelError, match=r"^avatars: lacks a run's log"):
        _ = subject.run
