"""CIFAR-10 and CIFAR-100 as they are published: the Python version and the binary one.

The Python version is pickles of arrays. They are read by a machine that knows the functions which
make arrays, and refuses every other; nothing in them is run.
"""

import io
import pickle
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from stylesmith.data.array_archive import ArrayArchive
from stylesmith.data.label_values import labels_from_array
from stylesmith.data.splits import choose_splits, describe_splits
from stylesmith.errors import DataError

_PIXELS = 3 * 32 * 32
_PARTS = re.compile(r"(data_batch(_\d)?|test_batch|train|test)(\.bin)?")
_NAMES_FILES = ("batches.meta", "meta", "batches.meta.txt", "fine_label_names.txt")
_BATCHES = 5
_ADVICE = "Unpack or download it again."

ReadFile = Callable[[str], bytes]


def is_cifar(names: Iterable[str]) -> bool:
    """Whether names of files are those of an unpacked CIFAR."""
    there = set(names)
    return bool(
        {"data_batch_1", "data_batch_1.bin"} & there
        or {"train", "test", "meta"} <= there
        or {"train.bin", "test.bin", "fine_label_names.txt"} <= there
    )


def open_cifar_folder(folder: Path, names: Iterable[str], split: str, path: Path) -> ArrayArchive:
    """Open the files of CIFAR in a folder; `path` is what the user named.

    Args:
        folder: The folder that holds the files.
        names: Names of its files.
        split: Part to take: `train`, `test`, `all`, or empty for the training part.
        path: The path that the user named, for messages.

    Raises:
        DataError: If a file is missing or damaged.
    """
    return _open(path, names, lambda name: (folder / name).read_bytes(), split)


def open_cifar_tar(path: Path, split: str) -> ArrayArchive:
    """Open `cifar-10-python.tar.gz` and its kind, unpacked in memory.

    Raises:
        DataError: If it is damaged, or holds no CIFAR.
    """
    contents = {}
    try:
        with tarfile.open(path) as tar:
            for info in tar:
                name = PurePosixPath(info.name).name
                if info.isreg() and (_PARTS.fullmatch(name) or name in _NAMES_FILES):
                    member = tar.extractfile(info)
                    contents[name] = member.read() if member else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{path}: is damaged ({error}). Download it again.") from error
    return _open(path, contents, contents.__getitem__, split)


@dataclass(frozen=True)
class _Batch:
    """Images `(N, 32, 32, 3)` and their classes `(N,)`."""

    images: np.ndarray
    classes: np.ndarray


def _open(path: Path, names: Iterable[str], read: ReadFile, split: str) -> ArrayArchive:
    there = list(names)
    files: dict[str, list[str]] = {}
    for name in sorted(filter(_PARTS.fullmatch, there)):
        files.setdefault("test" if name.startswith("test") else "train", []).append(name)
    taken = choose_splits(files, split, path)
    chosen = [name for part in sorted(taken, reverse=True) for name in files[part]]
    if not chosen:
        raise DataError(f"{path}: holds no files of CIFAR. {_ADVICE}")
    numbered = [name for name in chosen if name.startswith("data_batch_")]
    if numbered and len(numbered) < _BATCHES:
        there_text = ", ".join(numbered)
        raise DataError(f"{path}: holds {there_text} of {_BATCHES} batches. {_ADVICE}")
    is_100 = not any(name.startswith(("data_batch", "test_batch")) for name in chosen)
    batches = [_read_batch(path, name, read, is_100=is_100) for name in chosen]
    class_names = _read_class_names(path, there, read)
    labels = labels_from_array(np.concatenate([one.classes for one in batches]), class_names)
    count = sum(len(one.images) for one in batches)
    text = f"CIFAR-{100 if is_100 else 10}, {count:,} images"
    more = describe_splits(taken, files)
    images = [one.images for one in batches]
    return ArrayArchive(path, images, labels, f"{text}, {more}" if more else text)


def _read_batch(path: Path, name: str, read: ReadFile, *, is_100: bool) -> _Batch:
    try:
        content = read(name)
        if name.endswith(".bin"):
            return _parse_binary(content, label_bytes=2 if is_100 else 1)
        return _parse_pickle(_load_pickle(content))
    except (OSError, ValueError, DataError) as error:
        raise DataError(f"{path}: {name} cannot be read: {error}. {_ADVICE}") from error


def _parse_binary(content: bytes, *, label_bytes: int) -> _Batch:
    length = label_bytes + _PIXELS
    if not content or len(content) % length:
        raise DataError(f"{len(content)} bytes are no whole records of {length}")
    rows = np.frombuffer(content, np.uint8).reshape(-1, length)
    return _Batch(_as_images(rows[:, label_bytes:]), rows[:, label_bytes - 1])


def _parse_pickle(content: Any) -> _Batch:
    if not isinstance(content, dict):
        raise DataError("holds no dictionary")
    data = content.get(b"data")
    classes = content.get(b"labels", content.get(b"fine_labels"))
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (_PIXELS,):
        raise DataError(f"holds no array of {_PIXELS} bytes for each image")
    if not isinstance(classes, list) or len(classes) != len(data):
        raise DataError(f"holds no labels for its {len(data)} images")
    return _Batch(_as_images(data), np.array(classes, np.int64))


def _as_images(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _read_class_names(path: Path, there: Iterable[str], read: ReadFile) -> list[str] | None:
    name = next((name for name in _NAMES_FILES if name in there), None)
    if name is None:
        return None
    try:
        content = read(name)
        if name.endswith(".txt"):
            return content.decode().split()
        meta = _load_pickle(content)
        names = meta.get(b"label_names") or meta.get(b"fine_label_names")
        return [bytes(one).decode() for one in names]
    except (OSError, ValueError, TypeError, AttributeError, DataError) as error:
        raise DataError(f"{path}: {name} holds no names of classes ({error}). {_ADVICE}") from error


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler that can call nothing but what makes arrays."""

    ALLOWED: Mapping[tuple[str, str], Any] = {
        (module, name): value
        for package in ("numpy.core", "numpy._core")
        for module, name, value in (
            ("numpy", "ndarray", np.ndarray),
            ("numpy", "dtype", np.dtype),
            (f"{package}.multiarray", "_reconstruct", np.empty(0).__reduce__()[0]),
        )
    }

    def find_class(self, module: str, name: str) -> Any:
        """One of the allowed functions; `codecs.encode` is what newer Pythons write bytes with."""
        if (module, name) == ("_codecs", "encode"):
            return _encode_latin1
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise DataError(f"asks for {module}.{name}, which no CIFAR needs") from None


def _encode_latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise DataError(f"asks for the encoding {encoding!r}, which no CIFAR needs")
    return text.encode("latin1")


def _load_pickle(content: bytes) -> Any:
    try:
        return _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    except DataError:
        raise
    except Exception as error:  # damaged pickles raise almost anything
        raise DataError(f"damaged ({error})") from error
