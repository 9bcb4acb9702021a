"""Campaign: a run that is killed many times, at any instant, ends as one that nobody disturbed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stylesmith.models import RunFolder
from tests import support
from tests.support import differing, newest_state, start

# Imports once, then forks processes that train as the command line does. The first session of each
# run is timed up to its tenth checkpoint, or a quarter of them; all others are killed at a
# uniformly random time in that span, or, a quarter of them, at the next checkpoint that is being
# written after it.
KILLER = """
import contextlib, json, os, random, signal, sys, time
from pathlib import Path
from tests import support
from stylesmith.cli import main
import torch

torch.set_num_threads(1)
photos, folder = map(Path, sys.argv[1:3])
steps, kills, writing = map(int, sys.argv[3:])
ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
EVERY_STEP = ["--set", "output.checkpoint_minutes=1e-9"]

def train(run, *settings):
    "Fork a process that begins or resumes a run."
    child = os.fork()
    if child:
        return child
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        words = ["--resume", str(run.path)] if run.exists() else [
            str(photos), "--preset", "tiny", "--device", "cpu", "--force", "--out", str(run.path)
        ]
        length = ["--kimg", str(support.kimg(steps))]
        sys.argv = ["stylesmith", "train", *words, *length, *settings]
        try:
            main()
        except SystemExit as ended:
            sys.stderr.flush()
            os._exit(int(ended.code or 0))
        os._exit(1)

def newest(run):
    return max((int(path.stem) for path in run.checkpoints()), default=-1)

def unfinished(run):
    return set((run.path / "checkpoints").glob(".*"))

def kill(run, child, seconds, earlier):
    "Kill a session after so many seconds, if it has not ended, and count it."
    time.sleep(seconds)
    is_writing = lambda: unfinished(run) - earlier
    if rng.random() < 0.25:  # these wait for a checkpoint that is being written
        while not is_writing() and not os.waitid(os.P_PID, child, ENDED):
            time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        assert status == 0, f"a run that was killed does not go on: {status}"
        return
    counts["kills"] += 1
    counts["while a checkpoint was written"] += bool(is_writing())

def time_first_checkpoints(run):
    begun, child = time.monotonic(), train(run, *EVERY_STEP)
    while newest(run) < min(10, steps // 4) * support.BATCH:
        time.sleep(0.001)
    seconds = time.monotonic() - begun
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return seconds

def campaign_is_over():
    return counts["kills"] >= kills and counts["while a checkpoint was written"] >= writing

rng = random.Random(0)
counts = {"runs": 0, "kills": 0, "while a checkpoint was written": 0}
while not campaign_is_over():
    run = support.RunFolder(folder / str(counts["runs"]))
    counts["runs"] += 1
    seconds = time_first_checkpoints(run)
    while newest(run) < steps * support.BATCH and not campaign_is_over():
        before, earlier = newest(run), unfinished(run)
        kill(run, train(run, *EVERY_STEP), seconds * rng.random(), earlier)
        assert newest(run) >= before, "a checkpoint is lost"
    last = train(run, "--set", "output.checkpoint_minutes=10")
    assert os.waitpid(last, 0)[1] == 0, "a run that was killed does not go on"
    print(json.dumps(counts), flush=True)
"""


@pytest.mark.parametrize(
    ("steps", "kills", "writing"),
    [(16, 4, 0), pytest.param(200, 1000, 100, marks=pytest.mark.slow)],
)
def test_killed_runs_go_on_to_the_bit(photos, tmp_path, one_thread, steps, kills, writing):
    words = [str(photos), str(tmp_path), str(steps), str(kills), str(writing)]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *words],
        capture_output=True,
        text=True,
        env=support.child_environment(),
        cwd=Path(__file__).parents[2],
        timeout=60 + 10 * kills,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    print(counts)
    assert counts["kills"] >= kills
    assert counts["while a checkpoint was written"] >= writing
    whole = start(photos, tmp_path / "whole", "output.grid_kimg=10", steps=steps)
    for number in range(counts["runs"]):
        run = RunFolder(tmp_path / str(number))
        found, header = newest_state(run)
        assert header["clocks"]["steps"] == steps
        assert differing(found, newest_state(whole)[0]) == []
        assert [*run.path.rglob(".*"), *run.path.glob("*.lock")] == []
