"""`stylesmith figure`: what can be drawn, files that come out, and what is refused."""

from functools import partial

import pytest
from PIL import Image

from stylesmith.figures import FIGURES, warping


def test_the_list_names_every_figure_and_what_it_needs(cli):
    result = cli("figure", "--list")
    assert result.status == 0
    for figure in FIGURES:
        assert f" {figure.id} " in result.out
        assert " ".join(figure.needs.split()[:2]) in result.out


def test_a_figure_of_a_run(cli, finished_run, tmp_path):
    out = tmp_path / "truncation.png"
    words = ("figure", "stylegan-8", finished_run.path, "--seeds", "1,2", "--out", out)
    result = cli(*words)
    assert (result.status, result.err) == (0, "")
    assert "StyleGAN, Figure 8" in result.out and f"-> {out}" in result.out
    with Image.open(out) as image:
        assert image.width > 6 * 96
    assert "exists already" in cli(*words).error()
    assert cli(*words, "--force").status == 0


def test_an_experiment_is_drawn_without_a_model(cli, tmp_path, monkeypatch):
    short = partial(warping.train_point_generator, steps=3)
    monkeypatch.setattr("stylesmith.figures.warping.train_point_generator", short)
    result = cli("figure", "stylegan-6", "--count", 50, "--out", tmp_path / "warping.png")
    assert (result.status, result.err) == (0, "")
    assert "along 50 straight lines" in result.out
    assert "path length" in (tmp_path / "warping.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stylegan-8",), "name a figure and a model"),
        (("stylegan-6", "run"), "figure stylegan-6: shows no model; leave run out"),
        (("stylegan-81", "run"), "figure 'stylegan-81': unknown. Did you mean 'stylegan-8'?"),
        (("stylegan-8", "nowhere"), "nowhere: no such run"),
        (("stylegan-8", "run", "--count", 3), "--count: has no effect on stylegan-8"),
        (("stylegan-8", "run", "--out", "a.svg"), "--out a.svg: figures are PNG"),
        (("stylegan-1", "run"), "is a diagram"),
    ],
)
def test_wrong_words(cli, words, message):
    assert message in cli("figure", *words).error()
