"""Two processes and one run: the second is told who trains it; a dead process holds no lock."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from stylesmith import distributed, runs
from stylesmith.errors import OutputError
from stylesmith.models import RunFolder
from stylesmith.runs import run_lock
from stylesmith.runs.run_lock import lock_run
from tests import support
from tests.support import newest_state, resume, start

HOLDER = """
import sys, time
from pathlib import Path
from stylesmith.models import RunFolder
from stylesmith.runs.run_lock import lock_run
with lock_run(RunFolder(Path(sys.argv[1])), notify=print):
    print("locked", flush=True)
    time.sleep(60)
"""


def ignore(text: str) -> None:
    raise AssertionError(f"nothing was to be said: {text}")


@pytest.fixture
def holder(tmp_path):
    """Another process that trains `tmp_path / "run"`."""
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    env = support.child_environment()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout and process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_owner_is_named_and_a_dead_one_holds_nothing(tmp_path, holder):
    run = RunFolder(tmp_path / "run")
    with pytest.raises(OutputError) as caught, lock_run(run, notify=ignore):
        pass
    wanted = f"is being trained by process {holder.pid} on {socket.gethostname()}, since 20"
    assert wanted in str(caught.value)
    assert run.lock.exists()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads(run.lock.read_text())["process"] == holder.pid
    with lock_run(run, notify=ignore):
        assert json.loads(run.lock.read_text())["process"] == os.getpid()
    assert not run.lock.exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_run_in_training_is_neither_resumed_nor_replaced(photos, tmp_path, force):
    run = start(photos, tmp_path / "run", steps=2)
    before = newest_state(run)[1]
    config, dataset = support.tiny_config(photos, steps=2)
    options = runs.RunOptions(device=support.CPU, force=force)
    with lock_run(run, notify=ignore):
        wanted = f"trained by process {os.getpid()}" if force else "exists already"
        with pytest.raises(OutputError, match=wanted):
            runs.start(config, dataset, run.path, options, notify=ignore)
        with pytest.raises(OutputError, match=f"trained by process {os.getpid()}"):
            resume(run, steps=4)
    assert newest_state(run)[1] == before
    resume(run, steps=3)
    assert not run.lock.exists()


def test_only_the_main_process_of_several_locks(photos, tmp_path, monkeypatch):
    run = start(photos, tmp_path / "run", steps=1)
    monkeypatch.setattr(distributed, "is_main", lambda: False)
    with lock_run(run, notify=ignore):
        resume(run, steps=2)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_and_work_goes_on(tmp_path, monkeypatch, number):
    def refuse(stream):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(run_lock, "_lock", refuse)
    said: list[str] = []
    with lock_run(RunFolder(tmp_path / "run"), notify=said.append):
        pass
    assert len(said) == 1
    assert "file system without locks" in said[0] and os.strerror(number) in said[0]


def test_a_lock_leaves_no_folder_behind(tmp_path):
    with lock_run(RunFolder(tmp_path / "new"), notify=ignore):
        assert (tmp_path / "new").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_a_readable_owner_holds_too(tmp_path, holder):
    run = RunFolder(tmp_path / "run")
    run.lock.write_text("")
    with (
        pytest.raises(OutputError, match="trained by another process"),
        lock_run(run, notify=ignore),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        lock_run(RunFolder(tmp_path / "file" / "run"), notify=ignore),
    ):
        pass
