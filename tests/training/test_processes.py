"""Two processes with half of the batch each are one process that accumulates twice."""

import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
import torch

from stylesmith.models import RunFolder
from stylesmith.training.log import read_log
from tests.support import child_environment, newest_state, start

STEPS = 5

# Rank 1 would fail if it wrote anything; only rank 0 has free memory for the whole batch at once;
# rank 1 alone is asked to stop.
TRAIN = f"""
import os, signal
from stylesmith import files, runs
from stylesmith.runs import training_run
from stylesmith.cli import main
from stylesmith.training.train_step import TrainStep
from stylesmith.training.log import RunLog

def refuse(*arguments, **options):
    raise AssertionError("only the main process writes")

rank = int(os.environ["RANK"])
training_run.choose_micro_batch = lambda config, device: config.change(
    training={{"micro_batch": 2 if rank else 4}})
runs.plan = lambda config, options, dataset_images: (config, "planned")
step = TrainStep.step

def stepped(self):
    stats = step(self)
    if rank == 1 and self.state.counters.steps == {STEPS}:
        os.kill(os.getpid(), signal.SIGTERM)
    return stats

TrainStep.step = stepped
if rank:
    files.write_atomically = RunLog.open = refuse
main()
"""

FAIL = """
import os
from stylesmith.cli import main
from stylesmith.data.dataset import Dataset
from stylesmith.errors import DataError

real = Dataset.image_and_label

def image_and_label(self, index):
    if os.environ["RANK"] == "1":
        raise DataError(f"{self.path}: the disk of this process is gone.")
    return real(self, index)

Dataset.image_and_label = image_and_label
main()
"""


def run_two(program: str, *words: object) -> list[tuple[int, str, str]]:
    """Start two processes as torchrun would; status, stdout and stderr of each."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, *map(str, words)],
            env=child_environment(RANK=str(rank), LOCAL_RANK=str(rank), **meeting),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [worker.communicate(timeout=120) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(w.returncode, *output) for w, output in zip(workers, outputs, strict=True)]


@pytest.fixture(scope="module")
def parted(photos, tmp_path_factory) -> tuple[RunFolder, list[tuple[int, str, str]]]:
    """A run of two processes, stopped after a few steps, and what they said."""
    out = tmp_path_factory.mktemp("parted") / "run"
    ended = run_two(TRAIN, "train", photos, "--preset", "tiny", "--out", out, "--device", "cpu")
    return RunFolder(out), ended


def test_a_signal_to_one_process_stops_and_saves_all(parted):
    run, ended = parted
    assert [status for status, _, _ in ended] == [0, 0], ended
    assert newest_state(run)[1]["clocks"]["steps"] == STEPS
    assert read_log(run.log)[-2]["reason"] == "it was asked to stop"


def test_only_the_main_process_writes_and_talks(parted):
    _, ((_, talk, _), (_, silence, problems)) = parted
    assert "Everything is saved" in talk
    assert (silence, problems) == ("", "")


def test_processes_agree_on_the_smallest_micro_batch(parted):
    run, _ = parted
    (begun,) = [record for record in read_log(run.log) if record["event"] == "start"]
    assert (begun["processes"], begun["micro_batch"], begun["accumulation"]) == (2, 2, 1)


def test_two_processes_equal_one_that_accumulates(photos, tmp_path, parted):
    found, header = newest_state(parted[0])
    one = start(photos, tmp_path / "one", "training.micro_batch=2", steps=STEPS)
    expected, other_header = newest_state(one)
    assert header["clocks"] == other_header["clocks"]
    assert found["path_mean"] > 0 and found["discriminator_optimizer.from_rgb.weight.step"] == 7
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-5, msg=name)


GROWING = (
    "generator.connection=grow",
    "discriminator.connection=grow",
    'training.growth={"start": 4, "train_kimg": 0.008, "fade_kimg": 0.008, "repeats": 1}',
)
"""Five steps: two at 4x4, two that fade 8x8 in, of which the first still holds 4x4, one at it."""


@pytest.mark.slow
def test_two_growing_processes_equal_one(photos, tmp_path):
    words = [word for setting in GROWING for word in ("--set", setting)]
    options = ("--preset", "tiny", "--out", tmp_path / "two", "--device", "cpu")
    ended = run_two(TRAIN, "train", photos, *options, *words)
    assert [status for status, _, _ in ended] == [0, 0], ended
    found, header = newest_state(RunFolder(tmp_path / "two"))
    one = start(photos, tmp_path / "one", "training.micro_batch=2", *GROWING, steps=STEPS)
    expected, other_header = newest_state(one)
    assert header["clocks"] == other_header["clocks"]
    assert header["clocks"]["schedule_read"] == 16
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-5, msg=name)


def test_the_way_a_batch_is_cut_matters_otherwise(photos, tmp_path, parted):
    """The test above holds because micro-batches are equal, not because all runs are alike."""
    whole = start(photos, tmp_path / "whole", "training.micro_batch=4", steps=STEPS)
    found, other = newest_state(parted[0])[0], newest_state(whole)[0]
    assert (found["path_mean"] - other["path_mean"]).abs() > 1e-3 * other["path_mean"]


@pytest.mark.slow
def test_a_process_without_memory_stops_all_with_the_setting(photos, tmp_path):
    program = f"import torch\n{FAIL}".replace(
        'raise DataError(f"{self.path}: the disk of this process is gone.")',
        'raise torch.OutOfMemoryError("CUDA out of memory.")',
    )
    run = tmp_path / "run"
    words = ("train", photos, "--preset", "tiny", "--out", run, "--device", "cpu")
    (main_status, _, main_error), (status, _, error) = run_two(program, *words)
    assert (status, main_status) == (1, 1)
    assert error == (
        "error: process 1: out of memory with micro-batches of 2 images. By torchrun as before, "
        "from the newest checkpoint: Go on with fewer images at once: stylesmith train --resume "
        f"{run} --set training.micro_batch=1\n"
    )
    assert "another process is gone" in main_error and "Traceback" not in main_error


def test_a_failing_process_stops_all_with_its_error(photos, tmp_path):
    begun = time.monotonic()
    words = ("train", photos, "--preset", "tiny", "--out", tmp_path / "run", "--kimg", 1000)
    (main_status, _, main_error), (status, _, error) = run_two(FAIL, *words, "--device", "cpu")
    assert (status, error) == (2, f"error: {photos}: the disk of this process is gone.\n")
    assert main_status == 1
    assert "another process is gone" in main_error
    assert "Traceback" not in main_error
    assert time.monotonic() - begun < 60
