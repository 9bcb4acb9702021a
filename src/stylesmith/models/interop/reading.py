"""From a file on disk to the plain values in it, whatever wrote it."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from stylesmith.errors import ModelError
from stylesmith.models.interop.session import ReadBudget
from stylesmith.models.interop.standins import CorruptFileError
from stylesmith.models.interop.torch_zip import (
    LEGACY_MAGIC,
    allowed_with_storages,
    read_legacy_torch,
    read_torch_zip,
)
from stylesmith.models.interop.unpickler import RestrictedUnpickler

ZIP_MAGIC = b"PK\x03\x04"
MAX_FILE_BYTES = 8 << 30
"""Bytes of a file; the largest published ones have 0.4 GB."""


def is_external_file(path: Path) -> bool:
    """Whether a file is a pickle or a torch file, by name or by its first bytes.

    A safetensors file starts with the length of its JSON header, and then that header.
    """
    if path.suffix.lower() in (".pkl", ".pickle", ".pt", ".pth", ".ckpt"):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError:
        return False
    pickled = head[:1] == b"\x80" and head[1:2] <= b"\x05"
    return head[8:9] != b"{" and (pickled or head.startswith(ZIP_MAGIC))


def open_read_budget(path: Path, *, survey: bool = False) -> ReadBudget:
    """The budget of a file.

    Raises:
        ModelError: If there is no such file, or it is too large or plainly something else.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if head.startswith((b"<!doctype", b"<html", b"<head")):
        raise ModelError(
            f"{path}: a web page, not weights: the download was refused or wants a confirmation. "
            "Open the address in a browser and save the file from there."
        )
    if size == 0:
        raise ModelError(f"{path}: empty. Download it again.")
    if size > MAX_FILE_BYTES:
        raise ModelError(f"{path}: refused: {size:,} bytes, more than any network has.")
    return ReadBudget(path, size, inspect_only=survey)


def read_values(session: ReadBudget) -> Any:
    """What the file holds, as plain values and stand-ins.

    Raises:
        ModelError: If it is damaged or wants anything but data; nothing is run in any case.
    """
    with session.path.open("rb") as file:
        if file.read(4) == ZIP_MAGIC:
            return read_torch_zip(file, session)
    with _memory_mapped(session.path) as content:
        stream = cast(BinaryIO, content)
        value = RestrictedUnpickler(stream, session, allowed=allowed_with_storages(session)).load()
        if type(value) is not int or value != LEGACY_MAGIC:
            return value
        try:
            return read_legacy_torch(stream, content, session)
        except CorruptFileError as error:
            raise session.file_error(f"damaged or not a torch file: {error}") from None


@contextmanager
def _memory_mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
