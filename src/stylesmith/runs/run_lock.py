"""The lock of a run folder: one process at a time writes a run."""

import contextlib
import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

from stylesmith.callbacks import Notify
from stylesmith.errors import OutputError
from stylesmith.models import RunFolder

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""What systems answer where another process holds a lock; other errors mean that none exist."""


@contextlib.contextmanager
def lock_run(run: RunFolder, *, notify: Notify) -> Iterator[None]:
    """Keep other processes from writing a run; makes its folder if there is none.

    The operating system holds the lock for this process, so a process that was killed holds none,
    whatever its file says. Where the file system has no locks, that is said, and work goes on.

    Raises:
        OutputError: If another process holds the lock, or the folder cannot be written.
    """
    is_new = not run.path.exists()
    try:
        stream = _open_locked(run.lock, notify)
    except OSError as error:
        raise OutputError(
            f"{run.path}: cannot be written ({error.strerror or error}). Free some space or choose "
            "another folder."
        ) from error
    try:
        yield
    finally:
        with stream, contextlib.suppress(OSError):  # Windows keeps a file that is open
            run.lock.unlink()
        if is_new:
            with contextlib.suppress(OSError):  # a folder in which something was written
                run.path.rmdir()


def _open_locked(path: Path, notify: Notify) -> TextIO:
    """The lock's file, open, locked, and naming this process."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
        try:
            _lock(stream)
        except OSError as error:
            if error.errno in _HELD:
                with stream:
                    raise OutputError(_held_text(path, stream)) from None
            notify(
                f"Note: {path.parent} is on a file system without locks ({error.strerror}), so "
                "nothing keeps another process from writing the same run."
            )
        if _is_at(path, stream):  # else its last owner removed it between opening and locking
            break
        stream.close()
    stream.truncate(0)
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    stream.write(json.dumps({"host": socket.gethostname(), "process": os.getpid(), "since": now}))
    stream.flush()
    return stream


def _lock(stream: TextIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        stream.seek(1 << 30)  # what is locked cannot be read: a byte far behind the text
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        return
    import fcntl

    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(path: Path, stream: TextIO) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    return False


def _held_text(path: Path, stream: TextIO) -> str:
    stream.seek(0)
    try:
        owner = json.loads(stream.read())
        who = f"process {owner['process']} on {owner['host']}, since {owner['since']}"
    except (ValueError, KeyError, TypeError):  # it has just begun
        who = "another process"
    return (
        f"{path.parent}: is being trained by {who}. Wait until it ends, stop it, or choose another "
        "folder."
    )
