"""Signals and kills: a run that is asked to stop saves; one that is killed goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stylesmith.models import RunFolder
from stylesmith.training.log import read_log
from stylesmith.training.trainer import stop_request
from tests import support
from tests.support import newest_state, resume

STEPS = 40


def begin(photos: Path, out: Path) -> subprocess.Popen[str]:
    """A training process that would run for an hour, with a few steps behind it."""
    words = ["train", photos, "--preset", "tiny", "--out", out, "--kimg", 1000]
    worker = subprocess.Popen(
        [sys.executable, "-m", "stylesmith", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=support.child_environment(),
    )
    wait_until(lambda: worker.poll() is not None or progressed(out))
    return worker


def progressed(out: Path) -> bool:
    log = out / "log.jsonl"
    return log.exists() and '"progress"' in log.read_text()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_saves_says_so_and_ends_well(photos, tmp_path, number):
    worker = begin(photos, tmp_path / "run")
    worker.send_signal(number)
    out, err = worker.communicate(timeout=60)
    assert (worker.returncode, err) == (0, "")
    assert "it was asked to stop. Everything is saved" in out
    assert f"--resume {tmp_path / 'run'}" in out
    run = RunFolder(tmp_path / "run")
    steps = newest_state(run)[1]["clocks"]["steps"]
    assert steps > 0
    assert read_log(run.log)[-1]["steps"] == steps  # nothing was learned that was not saved
    assert resume(run, steps=steps + 2) == []
    assert newest_state(run)[1]["clocks"]["steps"] == steps + 2


WAIT = """
import sys, time
from stylesmith.training.trainer import stop_request
with stop_request() as request:
    print("ready", flush=True)
    while request.signal is None:
        time.sleep(0.01)
    print(request.signal.name, flush=True)
    time.sleep(60)  # a step that takes long
"""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_at_once(second):
    worker = subprocess.Popen([sys.executable, "-c", WAIT], stdout=subprocess.PIPE, text=True)
    assert worker.stdout and worker.stdout.readline() == "ready\n"
    worker.send_signal(signal.SIGTERM)
    assert worker.stdout.readline() == "SIGTERM\n"
    begun = time.monotonic()
    worker.send_signal(second)
    assert worker.wait(timeout=30) == 128 + second
    assert time.monotonic() - begun < 30
    worker.stdout.close()


def test_handlers_are_put_back():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with stop_request() as request:
        os.kill(os.getpid(), signal.SIGTERM)
        assert request.signal is signal.SIGTERM
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
