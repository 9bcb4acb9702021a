"""TFRecord files of StyleGAN and StyleGAN2, read without TensorFlow.

A file is a row of records: length, checksum of the length, a `tf.train.Example`, its checksum. The
example holds `shape` (C, H, W) and `data` (pixels), or in some forks the file of an image.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from stylesmith.data.archive import read_range
from stylesmith.data.crc32c import masked_crc32c
from stylesmith.data.decode import image_suffix
from stylesmith.data.file_names import missing_parts
from stylesmith.data.label_values import Labels, labels_from_array
from stylesmith.data.pixel_files import (
    CHANNELS,
    PIXEL_SUFFIX,
    encode_pixels,
    encoded_size,
    number_in_name,
    numbered_names,
)
from stylesmith.errors import DataError

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_FIRST_BYTES = 16
_FIXED_BYTES = {1: 8, 5: 4}
"""Length of fields of fixed size, by their wire type."""
_ADVICE = "Copy or download the file again."


class TFRecordArchive:
    """The images of one or several TFRecord files, in order."""

    dead_links: frozenset[str] = frozenset()

    def __init__(self, path: Path, files: Sequence[Path], labels_file: Path | None, note: str = ""):
        """Read the headers of all records.

        Args:
            path: The folder or file that the user named.
            files: The files, which follow one another.
            labels_file: Labels of the records, float32 `(N, L)` in NumPy's format.
            note: More for `description`.

        Raises:
            DataError: If a file is damaged or cut short, or records do not fit together.
        """
        self.path = path
        self._files = list(files)
        indices = [_index_records(file) for file in self._files]
        self._starts = np.concatenate([starts for starts, _ in indices])
        self._lengths = np.concatenate([lengths for _, lengths in indices])
        self._ends = np.cumsum([len(starts) for starts, _ in indices])
        if not len(self._starts):
            raise DataError(f"{self._files[0]}: holds no records. {_ADVICE}")
        first = self._first_example()
        self.shape = (*first.shape[1:], first.shape[0]) if first.shape else None
        self.sizes = self._list_images(first)
        self._is_verified = np.zeros(len(self._starts), bool)
        self.labels = _read_labels(labels_file, len(self._starts)) if labels_file else None
        self.description = f"TFRecords, {len(self._starts):,} images{note}"

    def _first_example(self) -> "_Example":
        where = f"{self._files[0]}: record 0"
        try:
            return _parse_example(read_range(self._files[0], self._starts[0], self._lengths[0]))
        except DataError as error:
            raise DataError(f"{where}: {error}. Wanted the records of StyleGAN.") from error

    def _list_images(self, first: "_Example") -> dict[str, int]:
        count, suffix = len(self._starts), first.suffix
        if self.shape is None:
            names = numbered_names(count, suffix)
            return dict(zip(names, self._lengths.tolist(), strict=True))
        others = np.flatnonzero(self._lengths != self._lengths[0])
        if len(others):
            raise DataError(
                f"{self._file_of(others[0])}: record {others[0]} has {self._lengths[others[0]]} "
                f"bytes, where the first has {self._lengths[0]}: images of two sizes, or damaged. "
                "Give each size a file of its own."
            )
        return dict.fromkeys(numbered_names(count), encoded_size(self.shape))

    def read(self, name: str) -> bytes:
        """The file of an image; checksums are verified when a record is read the first time."""
        number = number_in_name(name)
        example = _parse_example(self._payload(number))
        if not example.shape:
            return bytes(example.content)
        if self.shape is None or example.shape != (self.shape[2], *self.shape[:2]):
            raise DataError(f"its shape is {example.shape}, another one than the first record's")
        pixels = np.frombuffer(example.content, np.uint8).reshape(example.shape)
        return encode_pixels(pixels.transpose(1, 2, 0))

    def read_ends(self, name: str, head: int, tail: int) -> tuple[bytes, bytes]:
        """The whole file, and its last bytes."""
        content = self.read(name)
        return content, content[-tail:]

    def checksum(self, name: str) -> bytes:
        """The checksum that the record keeps."""
        number = number_in_name(name)
        end = int(self._starts[number] + self._lengths[number])
        return read_range(self._file_of(number), end, _FOOTER.size)

    sample = checksum

    def close(self) -> None:
        """Nothing is kept open."""

    def _file_of(self, number: int) -> Path:
        return self._files[int(np.searchsorted(self._ends, number, side="right"))]

    def _payload(self, number: int) -> memoryview:
        start, length = int(self._starts[number]), int(self._lengths[number])
        record = read_range(self._file_of(number), start, length + _FOOTER.size)
        payload = memoryview(record)[:length]
        if not self._is_verified[number]:
            if masked_crc32c(payload) != _FOOTER.unpack_from(record, length)[0]:
                file = self._file_of(number).name
                raise DataError(f"damaged: record {number} of {file} does not fit its checksum")
            self._is_verified[number] = True
        return payload


def find_tfrecords(
    folder: Path, names: Sequence[str], size: tuple[int, int] | None
) -> TFRecordArchive:
    """Open the TFRecord files in a folder: the level of `size`, or the largest.

    Args:
        folder: The folder.
        names: Names of its files.
        size: Height and width of the level to take; None takes the largest.

    Raises:
        DataError: If they belong to several data sets, or one of several parts is missing.
    """
    found = [re.fullmatch(r"(.+)-r(\d\d)\.tfrecords?", name) for name in names]
    levels = {match[2]: match for match in found if match}
    if not levels:
        if missing := missing_parts(names):
            raise DataError(
                f"{folder}: {missing[0]} is missing ({len(missing)} in all). Add it, or name one "
                "file alone."
            )
        return TFRecordArchive(folder, [folder / name for name in names], None)
    sets = sorted({match[1] for match in found if match})
    if len(sets) > 1:
        raise DataError(
            f"{folder}: holds TFRecords of {len(sets)} data sets ({', '.join(sets[:3])}). Name one "
            f"file of the wanted set, such as {folder / names[0]}."
        )
    wanted = f"{size[0].bit_length() - 1:02d}" if size and size[0] == size[1] else ""
    exact = wanted in levels and 1 << int(wanted) == (size or (0,))[0]
    return open_tfrecord(folder / levels[wanted if exact else max(levels)][0], folder)


def open_tfrecord(file: Path, path: Path | None = None) -> TFRecordArchive:
    """Open one TFRecord file, with the labels of its data set beside it; `path` is for messages."""
    level = re.fullmatch(r"(.+)-r\d\d\.tfrecords?", file.name)
    labels: list[Path] = []
    if level:
        pattern = re.compile(re.escape(level[1]) + r"-r..\.labels")
        labels = sorted(p for p in file.parent.iterdir() if pattern.fullmatch(p.name))
    note = f" of level {file.name}" if level else ""
    return TFRecordArchive(path or file, [file], labels[0] if labels else None, note)


def _index_records(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Start and length in bytes of the payload of each record."""
    starts, lengths = [], []
    with file.open("rb") as stream:
        size = file.stat().st_size
        for start, length in _walk_records(file, stream, size):
            starts.append(start)
            lengths.append(length)
    return np.array(starts, np.int64), np.array(lengths, np.int64)


def _walk_records(file: Path, stream: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    position, number, checked = 0, 0, dict[int, int]()
    while position < size:
        stream.seek(position)
        header = stream.read(_HEADER.size)
        if len(header) == _HEADER.size:
            length, crc = _HEADER.unpack(header)
            if checked.setdefault(length, masked_crc32c(header[:8])) != crc:
                raise DataError(
                    f"{file}: record {number}, at byte {position}, is damaged: its length does not "
                    f"fit its checksum. {_ADVICE}"
                )
        if len(header) < _HEADER.size or position + length + 16 > size:
            raise DataError(f"{file}: is cut short in record {number}. {_ADVICE}")
        yield position + _HEADER.size, length
        position += length + 16
        number += 1


@dataclass(frozen=True)
class _Example:
    """The image of one record."""

    content: memoryview
    shape: tuple[int, int, int] | None
    """(C, H, W) of pixels; None if the content is the file of an image."""

    @property
    def suffix(self) -> str:
        return PIXEL_SUFFIX if self.shape else image_suffix(bytes(self.content[:_FIRST_BYTES]))


def _parse_example(payload: bytes | memoryview) -> _Example:
    """The image in a `tf.train.Example`; the message of an error is the reason alone."""
    try:
        features = dict(_features(memoryview(payload)))
    except (IndexError, ValueError) as error:
        raise DataError("no tf.train.Example") from error
    for values in features.values():
        for value in values:
            if isinstance(value, memoryview) and image_suffix(bytes(value[:_FIRST_BYTES])):
                return _Example(value, None)
    shape, data = features.get("shape", []), features.get("data", [])
    if len(data) != 1 or not isinstance(data[0], memoryview) or len(shape) != 3:
        names = ", ".join(sorted(features)) or "none"
        raise DataError(f"holds no image; its features are: {names}")
    channels, height, width = (int(side) for side in shape if isinstance(side, int))
    if channels not in CHANNELS or channels * height * width != len(data[0]):
        raise DataError(f"holds {len(data[0])} bytes, which are no image of shape {tuple(shape)}")
    return _Example(data[0], (channels, height, width))


def _features(example: memoryview) -> Iterator[tuple[str, list[memoryview | int]]]:
    """Name and values of each feature; of floating-point values, none."""
    for field, features in _fields(example):
        if field == 1 and isinstance(features, memoryview):
            for _, entry in _fields(features):
                if isinstance(entry, memoryview):
                    parts = dict(_fields(entry))
                    name, value = parts.get(1, b""), parts.get(2, memoryview(b""))
                    if isinstance(value, memoryview) and not isinstance(name, int):
                        yield bytes(name).decode(), list(_feature_values(value))


def _feature_values(feature: memoryview) -> Iterator[memoryview | int]:
    for kind, values in _fields(feature):
        if kind in {1, 3} and isinstance(values, memoryview):
            for _, value in _fields(values):
                if kind == 1 or isinstance(value, int):
                    yield value
                else:
                    yield from _packed_numbers(value)


def _packed_numbers(packed: memoryview) -> Iterator[int]:
    position = 0
    while position < len(packed):
        value, position = _varint(packed, position)
        yield value


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and content of each field of a protocol buffer message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        else:
            length = _FIXED_BYTES.get(kind, len(message) + 1)
        if position + length > len(message):
            raise ValueError("a field is longer than its message")
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError("a number has too many bytes")


def _read_labels(file: Path, count: int) -> Labels | None:
    try:
        values = np.load(file, allow_pickle=False)
        if values.ndim == 2 and not values.shape[1]:
            return None
        labels = labels_from_array(values)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: holds no labels ({error}). Repair or remove it.") from error
    if len(values) != count:
        raise DataError(
            f"{file}: has labels for {len(values)} images, where the TFRecords hold {count}. "
            "Take the labels of the same set, or remove the file."
        )
    return labels
