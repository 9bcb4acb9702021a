"""Overfitting is told by the scores of images that are kept from training."""

import pytest

from stylesmith.training.log import read_log
from stylesmith.training.overfitting import (
    describe_overfitting,
    overfits_since,
    overfitting_signals,
)
from tests.support import differing, make_train_step, newest_state, resume, start, tiny_config

HELD_OUT = "data.hold_out=6"
MEANS = {"sign_real": 0.8, "score_real": 2.0, "score_fake": -2.0}


@pytest.mark.parametrize(("held_out", "ratio"), [(2.0, 0.0), (0.0, 0.5), (-2.0, 1.0), (-4.0, 1.5)])
def test_held_out_images_lie_between_training_and_generated_ones(held_out, ratio):
    signals = overfitting_signals(MEANS | {"score_held_out": held_out})
    assert signals == pytest.approx({"r_t": 0.6, "r_v": ratio})


def test_signals_that_mean_nothing_are_left_out():
    assert overfitting_signals({"score_real": 1.0, "score_fake": 0.0}) == {}  # WGAN-GP
    assert overfitting_signals(MEANS).keys() == {"r_t"}


def records(*ratios: float) -> list[dict]:
    return [{"images_seen": 1000 * (i + 1), "r_v": ratio} for i, ratio in enumerate(ratios)]


def test_it_overfits_from_where_it_stays_above_the_limit():
    course = records(0.1, 0.2, 1.5, 0.2, 0.3, 0.8, 1.2, 1.3, 1.1, 1.4, 1.3)
    assert overfits_since(course, 1.0) == 7000
    assert overfits_since(course, 0.5) == 5000
    assert overfits_since(course[:6], 1.0) is None


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.1, "does not overfit"), (0.7, "begins to overfit"), (1.3, "It overfits, since 1 thousand")],
)
def test_a_report_says_it_in_words(ratio, words):
    assert words in describe_overfitting(records(*[ratio] * 20))
    assert describe_overfitting([]) == ""


def test_held_out_images_are_scored_and_never_learned_from(photos, tmp_path, monkeypatch):
    run = start(photos, tmp_path / "run", HELD_OUT, steps=8)
    (first,) = [r for r in read_log(run.log) if r["event"] == "start"]
    assert (first["dataset_images"], first["held_out_images"]) == (10, 6)
    progress = [r for r in read_log(run.log) if r["event"] == "progress"]
    assert all({"score_held_out", "sign_held_out", "r_v", "r_t"} <= r.keys() for r in progress)
    config, _ = tiny_config(photos, HELD_OUT)
    assert run.read_config().data.hold_out == config.data.hold_out == 6


def test_nothing_learns_from_held_out_images(photos):
    """A step gives the same weights with any held-out images, or none."""
    states = []
    for settings in ([], [HELD_OUT]):
        config, dataset = tiny_config(photos, *settings, steps=8)
        step = make_train_step(config, dataset)
        if settings:
            step.held_out = step.loader
        stats = [step.step() for _ in range(4)]
        assert ("score_held_out" in (stats[-1] or {})) == bool(settings)
        states.append({name: tensor.clone() for name, tensor in step.state.tensors().items()})
    assert differing(*states) == []


def test_a_run_with_held_out_images_goes_on_to_the_bit(photos, tmp_path):
    whole = start(photos, tmp_path / "whole", HELD_OUT, steps=9)
    parts = start(photos, tmp_path / "parts", HELD_OUT, steps=5)
    resume(parts, steps=9)
    assert differing(newest_state(whole)[0], newest_state(parts)[0]) == []
    logged = [
        [
            record["score_held_out"]
            for record in read_log(run.log)
            if (record["event"], record["steps"]) == ("progress", 8)
        ]
        for run in (whole, parts)
    ]
    assert logged[0] == logged[1] and logged[0]
