"""Named files in a folder or a zip, read from many threads at once."""

import hashlib
import os
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from stylesmith import files
from stylesmith.data.file_names import is_system_file, zip_member_name
from stylesmith.data.label_values import Labels
from stylesmith.errors import DataError

MAX_BYTES = 1 << 30
"""Maximum size of an unpacked file or image; a larger one is a mistake or an attack."""

_SAMPLE_BYTES = 1 << 10
_LOCAL_HEADER = struct.Struct("<4s22xHH")


def blake2b_digest(parts: Iterable[bytes | memoryview]) -> str:
    """BLAKE2b of the concatenated parts, 32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


class Archive(Protocol):
    """A folder, zip or container as a flat list of names with `/`.

    Files of the system are left out. Containers of pixels give each image as an uncompressed file.
    """

    path: Path
    description: str
    """Kind of container in words; empty for a folder or zip."""
    shape: tuple[int, int, int] | None
    """Height, width and channels of every image, where the container tells them."""
    labels: Labels | None
    """Labels that the container keeps, in the order of its names."""
    sizes: dict[str, int]
    """Bytes of each file, unpacked, in the order of the sorted names."""
    dead_links: frozenset[str]
    """Names of links to what does not exist; they are among the files, and cannot be read."""

    def read(self, name: str) -> bytes:
        """The whole content of a file.

        Raises:
            DataError: If it cannot be read; the message is the reason alone.
        """

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """At least the first `head` and the last `tail` bytes, or all that there is.

        Raises:
            DataError: If they cannot be read; the message is the reason alone.
        """

    def checksum(self, name: str) -> bytes:
        """Bytes that change with the content of a file.

        Raises:
            DataError: If it cannot be read; the message is the reason alone.
        """

    def sample(self, name: str) -> bytes:
        """A checksum, or a few bytes of the content, had without reading all of it.

        Raises:
            DataError: If it cannot be read; the message is the reason alone.
        """

    def close(self) -> None:
        """Close the file."""


class FolderArchive:
    """Every file under a folder, and under the folders that it links to."""

    description = ""
    shape: tuple[int, int, int] | None = None
    labels: Labels | None = None

    def __init__(self, path: Path):
        self.path = path
        sizes, dead = {}, set()
        for folder, subfolders, names in os.walk(
            path, onerror=self._raise_unreadable, followlinks=True
        ):
            subfolders[:] = [
                name
                for name in subfolders
                if not is_system_file(name) and not self._is_loop(Path(folder, name))
            ]
            for name in names:
                file = Path(folder, name)
                if is_system_file(name):
                    continue
                if file.is_file():
                    sizes[file.relative_to(path).as_posix()] = file.stat().st_size
                elif file.is_symlink() and not file.exists():
                    sizes[file.relative_to(path).as_posix()] = 0
                    dead.add(file.relative_to(path).as_posix())
        self.sizes = dict(sorted(sizes.items()))
        self.dead_links = frozenset(dead)

    def _is_loop(self, folder: Path) -> bool:
        """Whether a folder is a link to one that it lies in, by whatever way it was reached."""
        if not folder.is_symlink():
            return False
        target = folder.resolve()
        parents = (parent for parent in folder.parents if parent.is_relative_to(self.path))
        return any(parent.resolve().is_relative_to(target) for parent in parents)

    def _raise_unreadable(self, error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}).") from error

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        with self._open(name) as file:
            return file.read()

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first and last bytes of a file."""
        with self._open(name) as file:
            first = file.read(max(head, tail))
            file.seek(max(0, self.sizes[name] - tail))
            return first, file.read(tail)

    def sample(self, name: str) -> bytes:
        """Bytes from the middle and from the end of a file.

        The first half is left out: it tells images least apart, and a file that is damaged there is
        named as such when it is read, which a changed fingerprint would prevent.
        """
        size = self.sizes[name]
        length, parts = min(_SAMPLE_BYTES, size // 2), []
        with self._open(name) as file:
            for start in (size // 2, size - length):
                file.seek(start)
                parts.append(file.read(length))
        return b"".join(parts)

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        if name in self.dead_links:
            raise DataError(f"a link to {(self.path / name).readlink()}, which does not exist")
        check_file_size(self.sizes[name])
        try:
            with (self.path / name).open("rb") as file:
                yield file
        except OSError as error:
            raise DataError(error.strerror or str(error)) from error

    checksum = read  # a folder keeps no checksums

    def close(self) -> None:
        """Nothing is kept open."""


class ZipArchive:
    """Every file in a zip whose names all stay inside it."""

    description = ""
    shape: tuple[int, int, int] | None = None
    labels: Labels | None = None
    dead_links: frozenset[str] = frozenset()

    def __init__(self, path: Path):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DataError(
                f"{path}: is neither a folder nor a zip ({error}). "
                "Wanted a folder or a zip of PNG, JPEG or WebP images."
            ) from error
        # Of two files of one name the last one counts, as when a zip is unpacked.
        self._entries = {
            name: info
            for info in self._zip.infolist()
            if self._is_listed(info, name := zip_member_name(info))
        }
        self.sizes = {name: self._entries[name].file_size for name in sorted(self._entries)}

    def _is_listed(self, info: zipfile.ZipInfo, name: str) -> bool:
        files.check_member_path(info.filename, self.path)
        if name.endswith("/") or any(map(is_system_file, PurePosixPath(name).parts)):
            return False
        if info.flag_bits & 1:
            raise DataError(
                f"{self.path}: {info.filename!r} is locked with a password. "
                "Make the zip anew without one."
            )
        return True

    def read(self, name: str) -> bytes:
        """The whole content of a file, its checksum verified."""
        check_file_size(self.sizes[name])
        try:
            return self._zip.read(self._entries[name])
        except NotImplementedError as error:
            raise DataError(
                f"packed in a way that cannot be read ({error}); make the zip anew"
            ) from error
        except Exception as error:  # zlib, bz2, lzma and zipfile each have their own kinds
            raise DataError(f"damaged inside the zip: {error}") from error

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first and last bytes of a file; only a compressed one is read in full."""
        info = self._entries[name]
        check_file_size(info.file_size)
        if info.compress_type != zipfile.ZIP_STORED:
            content = self.read(name)
            return content, content[-tail:]
        rest = max(0, info.file_size - tail)
        try:
            start = member_start(self.path, info)
            first = read_range(self.path, start, min(max(head, tail), info.file_size))
            return first, read_range(self.path, start + rest, info.file_size - rest)
        except DataError as error:
            raise DataError(f"damaged inside the zip: {error}") from error

    def checksum(self, name: str) -> bytes:
        """The checksum that the zip keeps, so that the file need not be read."""
        return self._entries[name].CRC.to_bytes(4)

    sample = checksum

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def read_range(path: Path, start: int, length: int) -> bytes:
    """Bytes of a file, from any thread; the file is opened anew, so that none is kept open.

    Args:
        path: The file.
        start: Place of the first byte.
        length: Number of bytes.

    Raises:
        DataError: If they cannot be read, or the file ends before; the message is the reason alone.
    """
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            content = file.read(length)
            while len(content) < length and (more := file.read(length - len(content))):
                content += more
    except OSError as error:
        raise DataError(error.strerror or str(error)) from error
    if len(content) < length:
        raise DataError("cut short")
    return content


def check_file_size(size: int) -> None:
    """Refuse to read an empty file, or one that is too large.

    Raises:
        DataError: With the reason alone.
    """
    if size == 0:
        raise DataError("empty file")
    if size > MAX_BYTES:
        raise DataError(f"would unpack to {size / 2**30:.1f} GiB, more than the limit of 1 GiB")


def member_start(path: Path, info: zipfile.ZipInfo) -> int:
    """The byte at which the content of a file in a zip begins.

    Raises:
        DataError: If it cannot be read; the message is the reason alone.
    """
    local = read_range(path, info.header_offset, _LOCAL_HEADER.size)
    magic, name_length, extra_length = _LOCAL_HEADER.unpack(local)
    if magic != b"PK\3\4":
        raise DataError("its header is missing")
    return info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
