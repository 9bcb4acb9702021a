"""LMDB databases of image files (extra `[lmdb]`): LSUN's, and those of rosinality's programs.

LSUN's keys are hashes. In rosinality's form a key is `SIZE-NUMBER`, such as `256-00012`, for images
of several sizes, and `length` is their number.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from stylesmith.data.archive import check_file_size
from stylesmith.data.decode import image_suffix
from stylesmith.data.label_values import Labels
from stylesmith.errors import DataError, UsageError

if TYPE_CHECKING:
    import lmdb

_SIZED_KEY = re.compile(r"(\d+)-(\d+)")
_FIRST_BYTES = 16
_SAMPLE_BYTES = 1 << 10
_SHOWN_KEYS = 5


class LmdbArchive:
    """The image files of a database, in the order of its keys."""

    dead_links: frozenset[str] = frozenset()
    shape: tuple[int, int, int] | None = None
    labels: Labels | None = None

    def __init__(self, path: Path, folder: Path, size: tuple[int, int] | None):
        """List the keys.

        Args:
            path: What the user named.
            folder: The folder of `data.mdb`.
            size: Height and width that are wanted; of several sizes this one is taken, else the
                largest.

        Raises:
            DataError: If it cannot be read, or holds no images; with some of its keys.
            UsageError: If the package lmdb is not installed.
        """
        self.path = path
        self._database = _open(path, folder)
        found = _list_images(self._database, path)
        sizes = sorted(one for one in found if one)
        wanted = size[0] if size and size[0] == size[1] and size[0] in sizes else max(found)
        self._size = wanted
        self.sizes = dict(sorted(found[wanted].items()))
        note = f" of size {wanted}" if wanted else ""
        if others := [str(one) for one in sizes if one != wanted]:
            note += f", without those of {', '.join(others)} (--resolution takes others)"
        self.description = f"LMDB, {len(self.sizes):,} images{note}"

    def read(self, name: str) -> bytes:
        """The file of an image."""
        check_file_size(self.sizes[name])
        # A transaction for each call: one must not be used by two threads.
        with self._database.begin() as transaction:
            content = transaction.get(self._key(name))
        if content is None:
            raise DataError("is no longer in the database")
        return bytes(content)

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first and last bytes of an image."""
        check_file_size(self.sizes[name])
        return self._parts(name, (0, head), (max(0, self.sizes[name] - tail), tail))

    def sample(self, name: str) -> bytes:
        """Bytes from the middle and from the end of an image, as of a file in a folder."""
        size = self.sizes[name]
        length = min(_SAMPLE_BYTES, size // 2)
        return b"".join(self._parts(name, (size // 2, length), (size - length, length)))

    checksum = read  # a database keeps none

    def close(self) -> None:
        """Let go of the database, which closes when nobody else has it open."""
        del self._database

    def _key(self, name: str) -> bytes:
        stem = name.rpartition(".")[0]
        key = f"{self._size}-{int(stem):05d}" if self._size else stem
        return key.encode(errors="surrogateescape")

    def _parts(self, name: str, *ranges: tuple[int, int]) -> tuple[bytes, bytes]:
        """Bytes from two starts on, copied without the rest."""
        with self._database.begin(buffers=True) as transaction:
            content = transaction.get(self._key(name), b"")
            first, second = (bytes(content[start : start + length]) for start, length in ranges)
        return first, second


_open_databases: WeakValueDictionary[str, "lmdb.Environment"] = WeakValueDictionary()
"""By their folders: a process cannot open a database twice."""


def _open(path: Path, folder: Path) -> "lmdb.Environment":
    try:
        import lmdb
    except ImportError:
        raise UsageError(
            f'{path}: is an LMDB database, which needs a package: pip install "stylesmith[lmdb]"'
        ) from None
    key = os.path.realpath(folder)
    try:
        if (database := _open_databases.get(key)) is None:
            database = _open_databases[key] = lmdb.open(
                key, readonly=True, lock=False, readahead=False, meminit=False, create=False
            )
        return database
    except lmdb.Error as error:
        raise DataError(
            f"{path}: cannot be read as an LMDB database ({error}). Copy or download it again."
        ) from error


def _list_images(database: "lmdb.Environment", path: Path) -> dict[int, dict[str, int]]:
    """Length in bytes of each image by its name, for each size in keys; 0 is for other keys."""
    import lmdb

    found: dict[int, dict[str, int]] = {}
    others: list[str] = []
    try:
        with database.begin(buffers=True) as transaction:
            for key_bytes, value in transaction.cursor():
                key = bytes(key_bytes).decode(errors="surrogateescape")
                suffix = image_suffix(bytes(value[:_FIRST_BYTES]))
                if suffix:
                    sized = _SIZED_KEY.fullmatch(key)
                    name = f"{int(sized[2]):08d}{suffix}" if sized else f"{key}{suffix}"
                    found.setdefault(int(sized[1]) if sized else 0, {})[name] = len(value)
                elif len(others) < _SHOWN_KEYS:
                    others.append(key)
    except lmdb.Error as error:
        raise DataError(f"{path}: is damaged ({error}). Copy or download it again.") from error
    if not found:
        some = ", ".join(map(repr, others)) or "none"
        raise DataError(
            f"{path}: holds no image files; some of its keys are: {some}. Wanted values that are "
            "JPEG, PNG or WebP files, as LSUN's."
        )
    return found
