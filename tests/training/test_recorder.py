"""What is written when, and that the numbers are right."""

import pytest
import torch
from PIL import Image

from stylesmith.training import recorder as recorder_module
from stylesmith.training.log import read_log
from stylesmith.training.recorder import crossed_interval
from stylesmith.training.train_step import TrainStep
from tests.support import start

SCHEDULE = ("output.log_kimg=0.008", "output.grid_kimg=0.02", "output.snapshot_kimg=0.03")


def test_each_kind_of_output_has_its_own_schedule(photos, tmp_path):
    run = start(photos, tmp_path / "run", *SCHEDULE, steps=16)
    records = read_log(run.log)

    def seen(event: str) -> list[int]:
        return [record["images_seen"] for record in records if record["event"] == event]

    assert seen("progress") == [8, 16, 24, 32, 40, 48, 56, 64]
    assert seen("samples") == [0, 20, 40, 60, 64]
    assert seen("snapshot") == [32, 60]
    assert seen("checkpoint") == [0, 64]
    for record in records:
        if record["event"] in ("samples", "snapshot", "checkpoint"):
            assert (run.path / record["file"]).is_file()


@pytest.mark.parametrize(
    ("before", "after", "due"),
    [(0, 4, False), (4, 8, True), (8, 12, False), (0, 40, True), (7, 9, True), (8, 15, False)],
)
def test_output_is_due_when_a_multiple_has_been_passed(before, after, due):
    assert crossed_interval(0.008, before, after) is due


def test_progress_is_the_mean_of_the_steps_since_the_last(photos, tmp_path, monkeypatch):
    stats, real = [], TrainStep.step

    def remember(self):
        stats.append({name: float(value) for name, value in real(self).items()})
        return {name: torch.tensor(value) for name, value in stats[-1].items()}

    monkeypatch.setattr(TrainStep, "step", remember)
    run = start(photos, tmp_path / "run", "output.log_kimg=0.012", steps=6)
    first, second = [r for r in read_log(run.log) if r["event"] == "progress"]
    for record, part in ((first, stats[:3]), (second, stats[3:])):
        for name in ("loss_g", "loss_d", "r1", "path_penalty", "sign_real"):
            values = [s[name] for s in part if name in s]  # lazy ones come now and then
            assert record[name] == pytest.approx(sum(values) / len(values), rel=1e-5)


def test_absent_penalties_are_null(photos, tmp_path):
    settings = ("training.path_weight=0", "training.r1_gamma=0", "output.log_kimg=0.008")
    run = start(photos, tmp_path / "run", *settings, steps=2)
    (record,) = [r for r in read_log(run.log) if r["event"] == "progress"]
    assert record["r1"] is None and record["path_penalty"] is None


def test_grids_have_the_size_that_was_asked_for(finished_run):
    for path in (finished_run.real_samples, finished_run.samples(80)):
        with Image.open(path) as image:
            assert image.size == (16, 16)  # four images of 8x8


def test_hints_reach_the_log_and_the_terminal(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        recorder_module.HealthMonitor,
        "observe",
        lambda self, record: ["Look at this."] if record["event"] == "progress" else [],
    )
    run = start(photos, tmp_path / "run", "output.log_kimg=0.012", steps=3)
    hints = [r["text"] for r in read_log(run.log) if r["event"] == "hint"]
    assert hints == ["Look at this."]
    assert "Hint: Look at this." in capsys.readouterr().out
    assert "Look at this." in run.report.read_text()
