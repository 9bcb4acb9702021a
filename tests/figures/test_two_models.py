import json

import pytest
import torch

from stylesmith.errors import ModelError
from stylesmith.figures import FigureInput, FigureOptions
from stylesmith.figures.image_grids import (
    TWO_MODELS_CAT,
    format_scores,
    logged_scores,
    model_scores,
)
from tests.figures.conftest import no_progress
from tests.support import CPU, make_photos


def test_numbers_have_published_names_with_published_networks_alone():
    scores = {
        "fid50k": 8.534,
        "pr50k3 precision": 0.62,
        "pr50k3 recall": 0.29,
        "pr50k3 density": 1.5,
        "ppl2_wend": 924.4,
        "is50k mean": 9.0,
    }
    text, names = format_scores(scores)
    assert text == "FID = 8.53, PPL = 924, P = 0.62, R = 0.29"
    assert names == "fid50k, pr50k3, ppl2_wend"
    text, _ = format_scores({"fd_random_5k": 0.17, "pl2_random_wend_2k": 12.0, "kid50k": None})
    assert text == "FD = 0.17, PL = 12"


def test_the_log_gives_its_last_numbers(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    records = [
        {"event": "metrics", "images_seen": 4000, "steps": 1, "scores": {"fid10k": 20.0}},
        {"event": "metrics", "images_seen": 8000, "steps": 2, "scores": {"fid10k": 10.0}},
        {"event": "progress", "images_seen": 9000, "steps": 3},
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    figure_input = FigureInput(tmp_path, CPU)
    assert logged_scores(figure_input) == ({"fid10k": 10.0}, 8000)
    assert model_scores(figure_input, no_progress)[1] == "in training, at 8 kimg"


def test_both_models_draw_the_same_seeds_without_truncation(make_figure_input):
    other = make_figure_input(name="second", seed=1)
    figure_input = make_figure_input(FigureOptions(other=other.path))
    layout = TWO_MODELS_CAT(figure_input, no_progress)
    left, right = layout.image_panels
    for panel, generator in ((left, figure_input.generator), (right, other.generator)):
        wanted = generator.sample(range(36), precision="fp32")
        torch.testing.assert_close(panel.images.flatten(0, 1), wanted, atol=1e-5, rtol=0)
        assert panel.text_below == ""
    assert layout.caption.count("--count N measures N images") == 2


def test_a_count_measures_both(make_figure_input, tmp_path, monkeypatch):
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(tmp_path / "none"))
    photos = make_photos(tmp_path / "photos", size=16, count=12)
    figure_input = make_figure_input(FigureOptions(other=tmp_path / "model", data=photos, count=8))
    layout = TWO_MODELS_CAT(figure_input, no_progress)
    left, right = layout.image_panels
    labels = [part.split(" = ")[0] for part in left.text_below.split(", ")]
    assert labels == ["FD", "PL", "P", "R"]
    assert left.text_below == right.text_below
    assert "measured by fd_random_8, pr_random_8_3, pl2_random_wend_8" in layout.caption


def test_one_model_is_not_enough(make_figure_input):
    with pytest.raises(ModelError, match="--other"):
        TWO_MODELS_CAT(make_figure_input(), no_progress)
