"""Images in NumPy's files: `.npy`, and `.npz` with labels and parts for training and testing."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from stylesmith.data.archive import member_start
from stylesmith.data.array_archive import ArrayArchive, as_images
from stylesmith.data.label_values import Labels, labels_from_array
from stylesmith.data.splits import SPLITS, choose_splits, describe_splits
from stylesmith.errors import DataError

MAX_UNPACKED_BYTES = 8 << 30
"""Compressed arrays are unpacked into memory, up to this size each."""

_LABEL_NAMES = ("label", "labels", "y", "class", "classes", "target", "targets")


def open_npy(path: Path, split: str) -> ArrayArchive:
    """Open an array of images, with labels from `NAME-labels.npy` or `NAME_labels.npy` beside it.

    Raises:
        DataError: If it holds no images, or labels do not fit.
    """
    choose_splits([], split, path)
    images = as_images(_map_array(path, 0), str(path))
    labels = labels_beside(path, len(images))
    return ArrayArchive(path, [images], labels, _describe("NumPy array", images))


def labels_beside(path: Path, count: int) -> Labels | None:
    """Labels in `NAME-labels.npy` or `NAME_labels.npy` beside a file; None if there are none.

    Raises:
        DataError: If they are not as many as images, or no labels.
    """
    for beside in (path.with_name(f"{path.stem}{mark}labels.npy") for mark in "-_"):
        if beside.is_file():
            return make_labels(_map_array(beside, 0), count, beside)
    return None


def open_npz(path: Path, split: str) -> ArrayArchive:
    """Open the arrays of images in an `.npz`, with their labels.

    Arrays are images by their shape. `train_images` and `x_train` are the training part, with
    `train_labels` and `y_train`; without such names there is one part.

    Raises:
        DataError: If it holds no images, or labels do not fit.
    """
    arrays = _open_arrays(path)
    images = {name: array for name, array in arrays.items() if array.ndim in {3, 4}}
    if not images:
        listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(f"{path}: holds no array of images (3 or 4 axes), but {listed}.")
    parts = {_part_of(name): name for name in images}
    if len(parts) < len(images):
        raise DataError(
            f"{path}: holds several arrays of images ({', '.join(images)}). Save the wanted one "
            "alone, or name the parts train and test."
        )
    named = [part for part in parts if part]
    taken = choose_splits(named, split, path) if named else _only_part(path, split)
    chosen = [as_images(images[parts[part]], f"{path}: {parts[part]}") for part in taken]
    if len({array.shape[1:] for array in chosen}) > 1:
        shapes = ", ".join(str(array.shape) for array in chosen)
        raise DataError(f"{path}: its parts have images of several shapes ({shapes}).")
    found = [_labels_of(arrays, images[parts[part]], part, path) for part in taken]
    labels = None
    if all(part is not None for part in found):
        values = np.concatenate([part for part in found if part is not None])
        labels = make_labels(values, sum(map(len, chosen)), path)
    text = _describe("NumPy arrays", *chosen)
    more = describe_splits(taken, named)
    return ArrayArchive(path, chosen, labels, f"{text}, {more}" if more else text)


def _only_part(path: Path, split: str) -> list[str]:
    choose_splits([], split, path)
    return [""]


def _describe(kind: str, *arrays: np.ndarray) -> str:
    return f"{kind} of {sum(map(len, arrays)):,} images"


def _part_of(name: str) -> str:
    """The part that an array's name tells; empty if none."""
    words = name.lower().replace("-", "_").split("_")
    return next((SPLITS[word] for word in words if word in SPLITS), "")


def _labels_of(
    arrays: Mapping[str, np.ndarray], images: np.ndarray, part: str, path: Path
) -> np.ndarray | None:
    """The one array that labels the images of a part."""
    found = {
        name: array
        for name, array in arrays.items()
        if array.ndim in {1, 2} and array.dtype.kind in "buif" and _part_of(name) == part
    }
    named = {
        name: array
        for name, array in found.items()
        if any(word in _LABEL_NAMES for word in name.lower().replace("-", "_").split("_"))
    }
    chosen = named or {name: a for name, a in found.items() if len(a) == len(images)}
    if len(chosen) != 1:
        return None
    name, array = next(iter(chosen.items()))
    if len(array) != len(images):
        raise DataError(
            f"{path}: {name} holds {len(array)} labels for {len(images)} images. Repair or remove "
            "it."
        )
    return array


def make_labels(values: np.ndarray, count: int, where: Path) -> Labels:
    """Labels of so many images from an array.

    Args:
        values: Classes `(N,)` or vectors `(N, size)`.
        count: Number of images, N.
        where: Name of the array, for messages.

    Raises:
        DataError: If they are not as many as images, or no labels.
    """
    if len(values) != count:
        raise DataError(
            f"{where}: holds {len(values)} labels for {count} images. Repair or remove it."
        )
    try:
        return labels_from_array(values)
    except ValueError as error:
        raise DataError(f"{where}: as labels it {error}. Repair or remove it.") from error


def _open_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an `.npz`; those that are not compressed are mapped where they lie."""
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.filename.endswith(".npy"):
                    continue
                if info.compress_type == zipfile.ZIP_STORED:
                    array = _map_array(path, member_start(path, info))
                else:
                    array = _unpack_array(path, archive, info)
                arrays[info.filename.removesuffix(".npy")] = array
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: is damaged or no .npz ({error}). Save it again.") from error
    return arrays


def _unpack_array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    if info.file_size > MAX_UNPACKED_BYTES:
        raise DataError(
            f"{path}: {info.filename} would unpack to {info.file_size / 2**30:.1f} GiB of memory. "
            "Save it with numpy.savez, which does not compress."
        )
    with archive.open(info) as member:
        array: np.ndarray = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _map_array(path: Path, offset: int) -> np.ndarray:
    """An array mapped from a file, from the byte where its header begins."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            shape, by_column, dtype = _read_header(file)
            start = file.tell()
        if dtype.hasobject:
            raise ValueError("it holds Python objects, not numbers")
        needed = start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if path.stat().st_size < needed:
            raise ValueError("it is cut short")
        if not all(shape):
            return np.empty(shape, dtype)
        order = "F" if by_column else "C"
        return np.memmap(path, dtype, "r", start, shape, order)  # type: ignore[call-overload]
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a NumPy array: {error}.") from error


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, by_column, dtype = read(file)
    return shape, by_column, dtype
