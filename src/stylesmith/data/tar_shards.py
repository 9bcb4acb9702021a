"""Tar files of images, one or many, as WebDataset writes them; members are read where they lie.

Files with the same name up to the first dot are one sample: `a.jpg` is the image and `a.cls` its
class. An index of wids, where there is one, tells the shards and their numbers of samples.
"""

import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from stylesmith import files
from stylesmith.data.archive import check_file_size, read_range
from stylesmith.data.decode import IMAGE_SUFFIXES
from stylesmith.data.file_names import is_system_file, missing_parts, plain_path
from stylesmith.data.label_values import Labels, labels_from_array
from stylesmith.errors import DataError

_SAMPLE_BYTES = 1 << 10
_ADVICE = "Copy or download the shard again."


class _Member(NamedTuple):
    shard: int
    start: int
    size: int


class TarArchive:
    """Every regular file in some tar files whose names all stay inside."""

    dead_links: frozenset[str] = frozenset()
    shape: tuple[int, int, int] | None = None
    labels: Labels | None

    def __init__(self, path: Path, shards: Sequence[Path]):
        """List the members.

        Raises:
            DataError: If a shard is compressed, damaged or cut short, or a name is unsafe.
        """
        self.path, self._shards = path, list(shards)
        self._members = _list_members(self._shards)
        note = self._leave_out_other_images()
        self.sizes = {name: self._members[name].size for name in sorted(self._members)}
        self.labels = self._read_classes()
        shards_text = f" of {len(self._shards)} shards" if len(self._shards) > 1 else ""
        images = sum(map(_is_image, self.sizes))
        self.description = f"tar{shards_text}, {images:,} images{note}"

    def _leave_out_other_images(self) -> str:
        """Keep one of several images of each sample (`a.jpg`, `a.mask.png`); returns a note."""
        images = [name for name in self._members if _is_image(name)]
        samples = len({_sample_key(name) for name in images})
        if len(images) == samples:
            return ""
        kinds = Counter(map(_kind, images))
        # `jpg` and `image.jpg` are the image more likely than `mask.png`: fewest dots first.
        kept = min(kinds, key=lambda kind: (kind.count("."), -kinds[kind], kind))
        if kinds[kept] < samples or re.search(r"\d", kept):  # dots that are part of names
            return ""
        for name in images:
            if _kind(name) != kept:
                del self._members[name]
        return f", the .{kept} of each sample without its other images"

    def read(self, name: str) -> bytes:
        """The whole content of a member."""
        member = self._members[name]
        check_file_size(member.size)
        return read_range(self._shards[member.shard], member.start, member.size)

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first and last bytes of a member."""
        member = self._members[name]
        check_file_size(member.size)
        first = self._part(member, 0, max(head, tail))
        return first, self._part(member, max(0, member.size - tail), tail)

    def sample(self, name: str) -> bytes:
        """Bytes from the middle and from the end of a member, as of a file in a folder."""
        member = self._members[name]
        length = min(_SAMPLE_BYTES, member.size // 2)
        middle = self._part(member, member.size // 2, length)
        return middle + self._part(member, member.size - length, length)

    checksum = read  # a tar keeps none

    def close(self) -> None:
        """Nothing is kept open."""

    def _part(self, member: _Member, start: int, length: int) -> bytes:
        length = min(length, member.size - start)
        return read_range(self._shards[member.shard], member.start + start, length)

    def _read_classes(self) -> Labels | None:
        """The numbers in the `.cls` files, if every image has one; they are no files then."""
        images = [name for name in self.sizes if _is_image(name)]
        names = [f"{_sample_key(name)}.cls" for name in images]
        if not images or not all(name in self._members for name in names):
            return None
        values = []
        for name in names:
            try:
                values.append(int(self.read(name)))
            except (ValueError, DataError) as error:
                raise DataError(f"{self.path}: {name!r} holds no class ({error}).") from error
        try:
            classes = labels_from_array(np.array(values))
        except ValueError as error:
            raise DataError(f"{self.path}: its .cls files: {error}.") from error
        self.sizes = {name: size for name, size in self.sizes.items() if not name.endswith(".cls")}
        by_name = dict(zip(images, values, strict=True))
        rows = np.array([by_name.get(name, 0) for name in self.sizes], np.int64)
        return Labels(classes.size, rows)


def find_shards(folder: Path, names: Sequence[str], *, skip_bad: bool) -> list[Path]:
    """The tar files of a folder, those that an index of wids lists if there is one.

    Args:
        folder: The folder.
        names: Names of its files.
        skip_bad: Go without shards that are missing.

    Raises:
        DataError: If a shard is missing and `skip_bad` is off.
    """
    indices = map(_read_index, sorted(folder.glob("*.json")))
    wanted = [shard for index in indices for shard in index or []]
    missing = [name for name in wanted if name not in names] or missing_parts(names)
    if missing and not skip_bad:
        raise DataError(
            f"{folder}: the shard {missing[0]} is missing ({len(missing)} in all). Add it, or go "
            "without with --skip-bad."
        )
    return [folder / name for name in wanted or sorted(names) if name in names]


def _read_index(path: Path) -> list[str] | None:
    """Names of the shards in an index of wids; None for other files."""
    try:
        content: Any = files.parse_json(path.read_bytes())
        if "wids_version" in content:
            return [PurePosixPath(shard["url"]).name for shard in content["shardlist"]]
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _list_members(shards: Sequence[Path]) -> dict[str, _Member]:
    """Members by name; where two shards have the same name, the names of the shards lead."""
    listed = [list(_walk_tar(path, number)) for number, path in enumerate(shards)]
    members: dict[str, _Member] = {}
    for one in listed:
        members.update(one)  # of two members of one name the last counts, as when unpacked
    if len(members) == sum(len({name for name, _ in one}) for one in listed):
        return members
    return {f"{shards[member.shard].name}/{name}": member for one in listed for name, member in one}


def _walk_tar(path: Path, shard: int) -> Iterator[tuple[str, _Member]]:
    size = path.stat().st_size
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would grow with every member
                name = _safe_name(info.name, path)
                if info.isreg() and info.offset_data + info.size > size:
                    raise DataError(f"{path}: is cut short in {info.name!r}. {_ADVICE}")
                if not info.isreg() or any(map(is_system_file, name.split("/"))):
                    continue
                if info.sparse is not None:
                    raise DataError(f"{path}: {name!r} is stored sparsely; make the tar anew.")
                yield name, _Member(shard, info.offset_data, info.size)
            end = tar.offset
        if size < end + 512:
            raise DataError(f"{path}: is cut short: its end mark is missing. {_ADVICE}")
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{path}: is damaged or no tar ({error}). {_ADVICE}") from error


def _safe_name(name: str, path: Path) -> str:
    """The name with `/` between its parts; most need no paths, which take most of the time."""
    is_plain = not any(mark in name for mark in ("..", "\\", "//", "/."))
    if is_plain and name[:1] not in "/." and name[1:2] != ":":
        return name
    files.check_member_path(name, path)
    return plain_path(name)


def _sample_key(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _kind(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[2].lower()


def _is_image(name: str) -> bool:
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES
