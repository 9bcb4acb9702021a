"""Where a session ends, and what it leaves behind."""

import json
import re
import time

import pytest

from stylesmith import runs
from stylesmith.errors import DataError, OutputError
from stylesmith.models import RunFolder
from stylesmith.tensor_file import read_tensor_file
from stylesmith.training.log import read_log
from stylesmith.training.train_step import TrainStep
from stylesmith.training.trainer import RunLimits
from tests import support
from tests.support import CPU, newest_state, start, tiny_config


def test_a_run_ends_at_its_length(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=3)
    assert newest_state(run)[1]["clocks"]["images_seen"] == 12
    assert read_log(run.log)[-2]["reason"] == "its length is reached"


def test_a_session_ends_after_its_minutes_and_the_run_does_not(photos, tmp_path, monkeypatch):
    real = TrainStep.step

    def slow(self):
        time.sleep(0.1)
        return real(self)

    monkeypatch.setattr(TrainStep, "step", slow)
    run = start(photos, tmp_path / "run", minutes=0.5 / 60, steps=1000)
    first = newest_state(run)[1]["clocks"]["steps"]
    assert 1 <= first <= 5
    assert read_log(run.log)[-2]["reason"] == "its time is over"
    session = runs.RunOptions(device=CPU, limits=RunLimits(0.5 / 60))
    assert runs.resume(run, run.read_config(), session, notify=print) == "its time is over"
    second = newest_state(run)[1]["clocks"]["steps"]
    assert 1 <= second - first <= 5  # so many minutes more


def test_a_finished_run_does_nothing_more(photos, finished_run, tmp_path):
    run = start(photos, tmp_path / "run", steps=3)
    before = newest_state(run)[1]
    assert support.resume(run, steps=2) == []
    assert newest_state(run)[1]["clocks"] == before["clocks"]


def test_a_run_folder_tells_everything(finished_run):
    assert finished_run.read_config().preset == "tiny"
    for path in (finished_run.report, finished_run.real_samples, finished_run.samples(80)):
        assert path.stat().st_size > 0
    assert {path.name for path in finished_run.model.iterdir()} == {
        "config.json",
        "model.safetensors",
        "README.md",
    }
    assert [int(path.stem) for path in finished_run.snapshots()] == [64, 32]


def test_nothing_in_a_run_folder_is_a_pickle(finished_run):
    """safetensors, JSON, PNG, HTML and Markdown: opening any of them runs no code."""
    paths = [path for path in finished_run.path.rglob("*") if path.is_file()]
    allowed = {".safetensors", ".json", ".jsonl", ".png", ".html", ".md"}
    assert {path.suffix for path in paths} == allowed
    for path in paths:
        content = path.read_bytes()
        assert not re.match(rb"\x80[\x02-\x05]|PK", content), path  # pickle, torch.save's zip
        if path.suffix == ".json":
            json.loads(content)


def test_headers_of_checkpoints_can_be_read_without_their_tensors(finished_run):
    _, header = read_tensor_file(finished_run.checkpoints()[0])
    assert (header["kind"], header["version"]) == ("checkpoint", 1)
    assert header["clocks"]["images_seen"] == 80
    assert header["config"]["preset"] == "tiny"
    assert header["arithmetic"].keys() == {
        "torch",
        "threads",
        "instructions",
        "device",
        "precision",
        "processes",
    }


def test_a_snapshot_is_the_average_of_its_time(finished_run):
    snapshot, _ = read_tensor_file(finished_run.snapshots()[0])
    assert snapshot.keys() == {
        name.removeprefix("ema.")
        for name in newest_state(finished_run)[0]
        if name.startswith("ema.")
    }


def test_an_existing_folder_is_replaced_only_by_force(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=3)
    before = newest_state(run)[1]
    with pytest.raises(OutputError, match="--force"):
        start(photos, run.path, steps=1)
    assert newest_state(run)[1] == before
    config, dataset = tiny_config(photos, steps=1)
    runs.start(config, dataset, run.path, runs.RunOptions(CPU, force=True), notify=print)
    assert newest_state(run)[1]["clocks"]["steps"] == 1
    assert len(run.checkpoints()) == 2  # nothing of the old run is left
    assert not run.samples(12).exists()


def test_force_does_not_touch_what_is_not_a_run(photos, tmp_path):
    config, dataset = tiny_config(photos, steps=1)
    folder, file = tmp_path / "project", tmp_path / "file"
    (folder / "samples").mkdir(parents=True)
    (folder / "config.json").write_text('{"name": "of another program"}')
    (folder / "samples" / "mine.png").write_text("mine")
    file.write_text("mine")
    for out in (folder, file):
        with pytest.raises(OutputError, match=r"is not a run|wanted a folder"):
            runs.start(config, dataset, out, runs.RunOptions(CPU, force=True), notify=print)
    assert (folder / "samples" / "mine.png").read_text() == file.read_text() == "mine"


def test_a_replaced_run_is_not_lost_to_data_that_cannot_be_read(photos, tmp_path):
    run = start(photos, tmp_path / "run", steps=3)
    before = newest_state(run)[1]
    broken = support.make_photos(tmp_path / "broken")
    config, dataset = tiny_config(broken, steps=1)
    victim = broken / "class0" / "000.png"
    victim.write_bytes(victim.read_bytes()[:60])  # after it was looked at, as a disk may fail
    with pytest.raises(DataError, match=r"000\.png"):
        runs.start(config, dataset, run.path, runs.RunOptions(CPU, force=True), notify=print)
    assert newest_state(run)[1] == before


def test_the_plan_says_what_would_run(photos):
    config, dataset = tiny_config(photos, "training.batch_size=6", mirror=True, conditional=True)
    planned, text = runs.plan(config, runs.RunOptions(CPU), dataset_images=len(dataset))
    assert planned.training.micro_batch == 6
    assert "16 images of 8x8 RGB with labels of length 2 (class0, class1), mirrored" in text
    assert "6 = 1 processes x 6 images x 1 accumulated" in text
    assert "GB a process" in text and "images a second" in text


def test_a_run_folder_survives_odd_paths(photos, tmp_path):
    run = start(photos, tmp_path / "räume [1]" / "ein lauf", steps=1)
    assert RunFolder(run.path).checkpoints() != []
    assert support.resume(run, steps=2) == []
