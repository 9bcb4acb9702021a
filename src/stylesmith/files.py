"""Files that are whole or absent: atomic writes, newest first, names that stay inside a folder."""

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from stylesmith.errors import DataError, OutputError, UsageError, suggest_name

FILE_SUFFIXES = (
    ".png .jpg .jpeg .jpe .jfif .webp .gif .bmp .tif .tiff .avif .heic .ico .svg .pdf .eps .psd "
    ".mp4 .webm .mov .avi .mkv .zip .tar .gz .tgz .7z .rar .npy .npz .mat .h5 .csv .json .jsonl "
    ".txt .md .html .yaml .log .py .pt .pth .pt2 .pkl .pickle .ckpt .bin .onnx .safetensors"
)
"""Suffixes of files; a name with another one, such as `faces-v1.2`, may be a folder."""

TEMPORARY_NAME = re.compile(r"\..+\.\d+(\.\w+)?|\.tmp\w{6}")
"""Names of unfinished files."""

_STAGING_MARK = ".incomplete"
"""File of a staging folder that is there as long as nobody has removed the folder."""

_UMASK = os.umask(0)  # can be read only by setting it, so here, before there are threads
os.umask(_UMASK)
_FILE_MODE = 0o666 & ~_UMASK
"""Who may read and write a new file."""


def user_path(text: str) -> Path:
    """A path in which `~` is the user's home folder.

    Raises:
        UsageError: If it begins with `~` and the user has none, as in some containers.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(
            "this user has no home folder: HOME is not set. Set XDG_CACHE_HOME to a folder that "
            "can be written."
        ) from error


def cache_folder() -> Path:
    """`stylesmith` in the user's cache folder: `XDG_CACHE_HOME`, else `~/.cache`.

    Raises:
        UsageError: If neither is known.
    """
    return user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "stylesmith"


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place in one step.

    A crash at any instant leaves either the old file or the new one. The data reaches the disk
    (fsync) before the name does; without `durable` a power failure may take the file.

    Raises:
        OutputError: If the file cannot be written: no permission, no space. The old file stays.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with _parents_of(path):
            try:
                write(temporary)
                temporary.chmod(_FILE_MODE)  # safetensors lets only the owner read its files
                if durable:
                    _fsync(temporary)
                temporary.replace(path)
                if durable:
                    _fsync(path.parent)
            finally:
                with contextlib.suppress(OSError):  # it has moved, or the first error counts
                    temporary.unlink()
    except OSError as error:
        raise _write_error(path, error.strerror or str(error)) from error


@contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """A folder to write several files into, which are in `folder` once the block has ended well.

    A new folder gets its name in one step at the end, so that a command which fails, is stopped or
    is killed leaves none. In one that is there, files replace those of the same name; others stay.

    Raises:
        OutputError: If something cannot be written, or is removed meanwhile.
    """
    new = not folder.exists()
    place = folder.parent if new else folder  # which may be a disk of its own
    try:
        with _parents_of(place / folder.name):
            temporary = Path(tempfile.mkdtemp(dir=place, prefix=f".{folder.name}."))
            present = temporary / _STAGING_MARK
            try:
                temporary.chmod(0o777 & ~_UMASK)
                present.touch()
                yield temporary
                present.unlink()  # files that are written anew don't bring back those that are gone
                if new:
                    temporary.rename(folder)
                else:
                    for path in sorted(temporary.iterdir()):
                        path.replace(folder / path.name)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError) and error.filename == str(present)
        reason = "it was removed meanwhile" if gone else error.strerror or str(error)
        raise _write_error(folder, reason) from error
    except OutputError as error:
        raise OutputError(str(error).replace(str(temporary), str(folder))) from error


@contextmanager
def _parents_of(path: Path) -> Iterator[None]:
    """Make the folders that a file lies in; those that are empty at the end go again."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for parent in missing:
            with contextlib.suppress(OSError):  # it is not empty: all went well
                parent.rmdir()


def _write_error(path: Path, reason: str) -> OutputError:
    return OutputError(
        f"{path}: cannot be written ({reason}). Free some space or choose another place; what was "
        "there before is unchanged."
    )


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content), durable=durable)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8; what is no text in names and logs, as escapes."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text from outside.

    Raises:
        ValueError: If it is not valid, or nested deeper than any of ours.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def names_folder(path: Path) -> bool:
    """Whether a path that may be a file or a folder means a folder.

    It does if it is one, or if its suffix is not that of a kind of file, nor nearly so: `faces`,
    `faces-v1.2` and `2024.01.05` are folders, `faces.PNG`, `faces.bmp` and `faces.pngg` are files.
    """
    known = FILE_SUFFIXES.split()
    return path.is_dir() or suggest_name(path.suffix.lower(), known, cutoff=0.75) is None


def check_absent(path: Path, *, force: bool, folder: bool = False) -> None:
    """Refuse to overwrite.

    Args:
        path: What is to be written.
        force: What is there may be replaced.
        folder: A folder is to be written, else a file; one that is empty may be there.

    Raises:
        OutputError: If `path` exists and `force` is off, or it is of the other kind.
    """
    if path.exists() and path.is_dir() != folder:
        found, wanted = ("file", "folder") if folder else ("folder", "file")
        raise OutputError(f"{path}: is a {found}; wanted a {wanted}. Choose another name.")
    if path.exists() and not force and not (folder and next(path.iterdir(), None) is None):
        raise OutputError(
            f"{path}: exists already. Choose another name or add --force to replace it."
        )


def numbered_files(folder: Path, suffix: str) -> list[Path]:
    """Files of a folder named by a number and `suffix`, the highest number first."""
    found = [
        p for p in folder.glob(f"*{suffix}") if re.fullmatch(r"\d+", p.name.removesuffix(suffix))
    ]
    return sorted(found, key=lambda path: int(path.name.removesuffix(suffix)), reverse=True)


def remove_temporary_files(folder: Path) -> None:
    """Remove temporary files that `write_atomically` left when its process was killed.

    The safetensors library adds one of its own, named `.tmp` and six letters or digits.
    """
    for path in folder.glob(".*"):
        if TEMPORARY_NAME.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def check_member_path(name: str, archive: Path) -> None:
    """Refuse names that would leave the archive's folder, with either kind of slash.

    Raises:
        DataError: If `name` is absolute or climbs with `..`.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", name):
        raise DataError(
            f"{archive}: holds the name {name!r}, which points outside the archive. "
            "Such a file is refused as a whole; make the zip anew with relative names."
        )


def _fsync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
