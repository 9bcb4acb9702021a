"""Campaign: a run that is killed many times, at any instant, ends as one that nobody disturbed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stylesmith.models import RunFolder
from tests import support
from tests.support import differing, newest_state, start


@pytest.mark.parametrize(
    ("steps", "kills", "writing"),
    [(24, 3, 0), pytest.param(200, 1000, 100, marks=pytest.mark.slow)],
)
def test_killed_runs_go_on_to_the_bit(photos, tmp_path, one_thread, steps, kills, writing):
    words = [str(photos), str(tmp_path), str(steps), str(kills), str(writing)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.kill_campaign", *words],
        capture_output=True,
        text=True,
        env=support.child_environment(),
        cwd=Path(__file__).parents[2],
        timeout=120 + 4 * kills,
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
