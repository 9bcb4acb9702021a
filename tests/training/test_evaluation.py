"""Measuring on the way: when, by whom, what is kept, and that training does not notice."""

import json

import pytest
import torch

import stylesmith
from stylesmith.errors import StylesmithError
from stylesmith.models import RunFolder
from stylesmith.runs.evaluators import RunEvaluator
from stylesmith.training.log import read_log
from stylesmith.training.recorder import Score, is_best
from tests.support import differing, newest_state, resume, start

METRICS = ('output.metrics=["fd_random_16", "pr_random_16_3"]', "output.metrics_kimg=0.016")


def measured(run: RunFolder) -> list[dict]:
    return [record for record in read_log(run.log) if record["event"] == "metrics"]


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory) -> RunFolder:
    return start(photos, tmp_path_factory.mktemp("measured") / "run", *METRICS, steps=12)


def test_scores_are_logged_at_their_interval(run):
    records = measured(run)
    assert [record["images_seen"] for record in records] == [16, 32, 48]
    for record in records:
        assert set(record["scores"]) == {
            "fd_random_16",
            "pr_random_16_3 precision",
            "pr_random_16_3 recall",
            "pr_random_16_3 density",
            "pr_random_16_3 coverage",
        }
        assert record["scores"]["fd_random_16"] > 0


def test_the_best_model_is_kept(run):
    records = measured(run)
    values = [record["scores"]["fd_random_16"] for record in records]
    best = max(i for i, record in enumerate(records) if record["best"])
    assert values[best] == min(values)
    about = json.loads((run.best / "config.json").read_text())["about"]
    assert about["images_seen"] == records[best]["images_seen"]
    assert about["fd_random_16"] == values[best]
    assert stylesmith.load(run.best).sample([0]).shape == (1, 3, 8, 8)


def test_training_is_the_same_to_the_bit_with_and_without(photos, tmp_path, run):
    plain = start(photos, tmp_path / "plain", steps=12)
    assert differing(newest_state(plain)[0], newest_state(run)[0]) == []


def test_a_resumed_run_measures_the_same_and_knows_its_best(photos, tmp_path, run, monkeypatch):
    stopped = start(photos, tmp_path / "run", *METRICS, steps=6)
    resume(stopped, steps=12)
    whole, found = measured(run), measured(stopped)
    assert [(r["scores"], r["best"]) for r in found] == [(r["scores"], r["best"]) for r in whole]
    assert differing(newest_state(stopped)[0], newest_state(run)[0]) == []


def test_levels_that_still_fade_in_are_not_measured(photos, tmp_path):
    growing = (
        "generator.connection=grow",
        "discriminator.connection=grow",
        'training.growth={"start": 4, "train_kimg": 0.016, "fade_kimg": 0.016, "repeats": 1}',
    )
    out = start(photos, tmp_path / "run", *METRICS, *growing, steps=12)
    assert [record["images_seen"] for record in measured(out)] == [48]


@pytest.mark.parametrize(
    ("name", "message"),
    [("fidd10k", "fid"), ("fid16", "inception"), ("fd_randam_16", "random")],
)
def test_what_cannot_be_measured_is_refused_before_anything(
    photos, tmp_path, monkeypatch, name, message
):
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(StylesmithError, match=message):
        start(photos, tmp_path / "run", f'output.metrics=["{name}"]', steps=2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("larger", "best"), [(False, 1.0), (True, 3.0)])
def test_the_best_is_the_smallest_or_the_largest(larger, best):
    records = [
        {"event": "metrics", "images_seen": i, "scores": {"m": value}}
        for i, value in enumerate([2.0, 2.5])
    ]
    assert is_best(Score("m", best, larger), records)
    assert not is_best(Score("m", 2.2, larger), records)
    assert is_best(Score("other", 9.0, larger), records)
    assert is_best(Score("m", 9.0, larger), [])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("STYLESMITH_CACHE", str(tmp_path_factory.mktemp("cache")))
    torch.set_num_threads(1)


class Scripted:
    """An evaluator whose scores are given."""

    def __init__(self, *values: float):
        self.values = iter(values)

    def measure(self, generator):
        return [Score("m", next(self.values))]


@pytest.fixture
def scripted(monkeypatch):
    """Let all runs be measured by given scores."""

    def script(*values: float) -> None:
        evaluator = Scripted(*values)
        monkeypatch.setattr(RunEvaluator, "from_config", lambda *_: evaluator)

    return script


PATIENT = (*METRICS, "output.patience_kimg=0.04")


@pytest.mark.parametrize(
    ("scores", "seen"),
    [((3.0, 2.0, 2.5, 2.4, 2.3, 2.2), 32 + 40), ((3.0, 2.9, 2.8, 2.7, 2.6, 2.5), 96)],
)
def test_a_run_stops_when_its_metric_no_longer_improves(photos, tmp_path, scripted, scores, seen):
    scripted(*scores)
    run = start(photos, tmp_path / "run", *PATIENT, steps=24)
    stop = read_log(run.log)[-2]
    expected = "no longer improves" if seen < 96 else "length is reached"
    assert stop["event"] == "stop" and expected in stop["reason"]
    assert newest_state(run)[1]["clocks"]["images_seen"] == seen
    assert run.best.exists()


def test_patience_holds_over_a_resume(photos, tmp_path, scripted):
    scripted(2.0, 2.5, 2.4, 2.3, 2.2, 2.1)
    run = start(photos, tmp_path / "run", *PATIENT, steps=9)
    resume(run, steps=24)
    assert "no longer improves" in read_log(run.log)[-2]["reason"]
    assert newest_state(run)[1]["clocks"]["images_seen"] == 56


def test_patience_wants_a_metric(photos, tmp_path):
    with pytest.raises(StylesmithError, match="patience_kimg: wanted a metric too"):
        start(photos, tmp_path / "run", "output.patience_kimg=1", steps=1)
