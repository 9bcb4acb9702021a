"""Train small runs whose process is killed again and again; tests/training/test_kills.py runs it.

A run is trained and resumed by forks of this process, as the command line does it: what a first run
loads and compiles is had before the first fork, so that a session takes a tenth of a second and
nearly every kill falls into training. The first session of each run is timed up to its tenth
checkpoint, or a quarter of them; all others are killed at a uniformly random time in that span, or,
a quarter of them, at the next checkpoint that is being written after it.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch

from stylesmith.cli import main
from tests import support

ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
EVERY_STEP = ("--set", "output.checkpoint_minutes=1e-9")


@dataclass
class Campaign:
    """Kills sessions of runs and counts them.

    Args:
        photos: The training data.
        folder: Of the runs, which are named by their numbers.
        steps: Length of a run.
        kills: How many kills are wanted.
        writing: How many of them while a checkpoint is being written.
    """

    photos: Path
    folder: Path
    steps: int
    kills: int
    writing: int
    counts: dict[str, int] = field(
        default_factory=lambda: {"runs": 0, "kills": 0, "while a checkpoint was written": 0}
    )
    random: Random = field(default_factory=lambda: Random(0))

    def is_over(self) -> bool:
        counts = self.counts
        return (
            counts["kills"] >= self.kills
            and counts["while a checkpoint was written"] >= self.writing
        )

    def carry_out(self) -> None:
        """Kill sessions of one run after another; each run is then trained to its end."""
        self.train(self.folder / "first")
        self.train(self.folder / "first", steps=self.steps + 1)
        while not self.is_over():
            run = support.RunFolder(self.folder / str(self.counts["runs"]))
            self.counts["runs"] += 1
            seconds = self.time_first_checkpoints(run)
            while newest(run) < self.steps * support.BATCH and not self.is_over():
                self.kill(run, seconds * self.random.random())
            last = self.fork(run.path, "--set", "output.checkpoint_minutes=10")
            assert os.waitpid(last, 0)[1] == 0, "a run that was killed does not go on"
            print(json.dumps(self.counts), flush=True)

    def time_first_checkpoints(self, run: support.RunFolder) -> float:
        begun, child = time.monotonic(), self.fork(run.path, *EVERY_STEP)
        while newest(run) < min(10, self.steps // 4) * support.BATCH:
            time.sleep(0.001)
        seconds = time.monotonic() - begun
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return seconds

    def kill(self, run: support.RunFolder, seconds: float) -> None:
        """Kill a session after so many seconds, if it has not ended, and count it."""
        saved, earlier = newest(run), unfinished(run)
        child = self.fork(run.path, *EVERY_STEP)
        time.sleep(seconds)
        if self.random.random() < 0.25:  # these wait for a checkpoint that is being written
            while not unfinished(run) - earlier and not os.waitid(os.P_PID, child, ENDED):
                time.sleep(0.0002)
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            assert status == 0, f"a run that was killed does not go on: {status}"
            return
        self.counts["kills"] += 1
        self.counts["while a checkpoint was written"] += bool(unfinished(run) - earlier)
        assert newest(run) >= saved, "a checkpoint is lost"
        begun = last_start(run)
        assert begun <= saved, "a session began beyond the newest checkpoint"
        if newest(run) > saved:
            assert begun == saved, "a session began before the newest checkpoint"

    def fork(self, run: Path, *settings: str) -> int:
        """Begin or resume a run in a process of its own; returns its number."""
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            self.train(run, *settings)
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            sys.stderr.flush()
            os._exit(status)

    def train(self, run: Path, *settings: str, steps: int = 0) -> None:
        """What `stylesmith train` does."""
        if run.exists():
            words = ["--resume", str(run)]
        else:
            words = [str(self.photos), "--preset", "tiny", "--device", "cpu", "--out", str(run)]
        length = ["--kimg", str(support.kimg(steps or self.steps))]
        sys.argv = ["stylesmith", "train", *words, *length, *settings]
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            try:
                main()
            except SystemExit as ended:
                if ended.code:
                    raise


def newest(run: support.RunFolder) -> int:
    """Images seen by the newest whole checkpoint, or -1."""
    return max((int(path.stem) for path in run.checkpoints()), default=-1)


def unfinished(run: support.RunFolder) -> set[Path]:
    """Checkpoints that are being written, or were when a process was killed."""
    return set((run.path / "checkpoints").glob(".*"))


def last_start(run: support.RunFolder) -> int:
    """Images seen when the newest session that is in the log began; a torn last line is none."""
    lines = run.log.read_bytes().split(b"\n")[:-1]
    events = [json.loads(line) for line in lines]
    return [event["images_seen"] for event in events if event["event"] == "start"][-1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("folder", type=Path)
    for name in ("steps", "kills", "writing"):
        parser.add_argument(name, type=int)
    torch.set_num_threads(1)
    Campaign(**vars(parser.parse_args())).carry_out()
