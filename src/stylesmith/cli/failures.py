"""How a command ends that fails or is stopped: an exit status, and one line that says why."""

import errno
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import typer

from stylesmith import packages
from stylesmith.cli.hints import explain_usage_error
from stylesmith.errors import StylesmithError, UsageError

INTERRUPTED_EXIT_STATUS = 128 + signal.SIGINT
"""Exit status after Ctrl-C, where a command does not handle it."""

STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP

STOPPED_EXIT_STATUSES = {INTERRUPTED_EXIT_STATUS, *(128 + number for number in STOP_SIGNALS)}

REMEDIES = {
    errno.ENOSPC: "Free some space, or choose another place.",
    errno.EDQUOT: "Free some space, or choose another place.",
    errno.EFBIG: "The system limits the size of files (`ulimit -f`); raise the limit.",
    errno.EACCES: "Choose another place, or change who may read and write there.",
    errno.EROFS: "Choose another place.",
    errno.EMFILE: "Too many files are open; raise the limit (`ulimit -n`).",
    errno.ENOENT: "It may have been moved or removed meanwhile.",
    errno.EISDIR: "Wanted a file.",
    errno.ENOTDIR: "Wanted a folder.",
}
"""What to do about errors of the operating system, by their number."""

MODULE_PACKAGES = {"PIL": "pillow"}
"""Packages whose modules have another name."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Let signals that end a process unwind it first, so that unfinished files are removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    chosen = [number for number in STOP_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in chosen:  # nohup, for one, has chosen otherwise
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in chosen:
            signal.signal(number, signal.SIG_DFL)


def check_unicode(arguments: Sequence[str]) -> None:
    """Refuse names of files and folders that are not UTF-8: files of models cannot be opened there.

    Raises:
        UsageError: Naming the first of them.
    """
    for text in arguments:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{text}: this name is not UTF-8, which files of models and settings need. Rename "
                "the file or folder."
            ) from None


def describe_failure(error: Exception) -> tuple[int, str] | None:
    """Exit status and line of an error that is not a bug of this package; None for a bug."""
    if isinstance(error, StylesmithError):
        return error.exit_status, str(error)
    if isinstance(error, typer.TyperException):
        return error.exit_code, explain_usage_error(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or str(error)
        return 1, f"{where}{reason}. {REMEDIES.get(error.errno or 0, '')}".rstrip()
    if isinstance(error, ModuleNotFoundError):
        module = (error.name or "").partition(".")[0]
        wanted = packages.requirements().get(MODULE_PACKAGES.get(module, module))
        if wanted:
            command = f'{sys.executable} -m pip install "{wanted}"'
            return 2, f"{module}: not installed, and this command needs it: {command}"
    if "torch" in sys.modules:
        from stylesmith.devices import describe_device_failure

        line = describe_device_failure(error)
        return None if line is None else (1, line)
    return None
