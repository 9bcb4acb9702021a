"""MNIST and its kind (Fashion, Kuzushiji): IDX files of digits, plain or compressed with gzip."""

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stylesmith.data.array_archive import ArrayArchive
from stylesmith.data.label_values import Labels, labels_from_array
from stylesmith.data.splits import SPLITS, choose_splits, describe_splits
from stylesmith.errors import DataError

IMAGES_NAME = re.compile(r"(.+)-images[-.]idx3-ubyte(\.gz)?")
_UINT8 = 8
_ADVICE = "Download it again."


def open_mnist(folder: Path, names: Iterable[str], split: str, path: Path) -> ArrayArchive:
    """Open the IDX files of a folder, with the labels beside them.

    Images of 28x28 get a border of 2 black pixels, because networks double a size several times.

    Args:
        folder: Where the files are.
        names: Files of images to choose from.
        split: Part to take; empty is the training part.
        path: What the user named.

    Raises:
        DataError: If a file is damaged or labels do not fit.
    """
    files: dict[str, Path] = {}
    for name in sorted(names):
        match = IMAGES_NAME.fullmatch(name)
        if match:  # a plain file comes before its compressed copy
            files.setdefault(SPLITS.get(match[1].rpartition("-")[2], match[1]), folder / name)
    taken = sorted(choose_splits(files, split, path), reverse=True)
    arrays = [_read_idx(files[part], axes=3)[..., None] for part in taken]
    sizes = {array.shape[1:] for array in arrays}
    if len(sizes) > 1:
        raise DataError(f"{path}: its files have images of several sizes ({sorted(sizes)}).")
    counts = zip(taken, map(len, arrays), strict=True)
    found = [_read_labels(files[part], count) for part, count in counts]
    labels: Labels | None = None
    if all(part is not None for part in found):
        labels = labels_from_array(np.concatenate([part for part in found if part is not None]))
    padding = 2 if arrays[0].shape[1:3] == (28, 28) else 0
    text = f"IDX files as of MNIST, {sum(map(len, arrays)):,} images"
    text += " of 28x28 with a border to 32x32" if padding else ""
    more = describe_splits(taken, files)
    return ArrayArchive(path, arrays, labels, f"{text}, {more}" if more else text, padding=padding)


def _read_labels(images: Path, count: int) -> np.ndarray | None:
    plain = images.name.removesuffix(".gz").replace("-images", "-labels").replace("idx3", "idx1")
    for file in (images.with_name(plain), images.with_name(f"{plain}.gz")):
        if file.is_file():
            labels = _read_idx(file, axes=1)
            if len(labels) != count:
                raise DataError(
                    f"{file}: has {len(labels)} labels, where {images.name} has {count} images. "
                    "Take both files of the same set."
                )
            return labels
    return None


def _read_idx(file: Path, *, axes: int) -> np.ndarray:
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        zeros, kind, found = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{found}I", content, 4)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{file}: is damaged ({error}). {_ADVICE}") from error
    if zeros or kind != _UINT8 or found != axes:
        raise DataError(f"{file}: is no IDX file of bytes with {axes} axes. {_ADVICE}")
    start = 4 + 4 * axes
    if len(content) - start != math.prod(shape) or not math.prod(shape):
        raise DataError(
            f"{file}: holds {len(content) - start} bytes for the shape {shape}: cut short or "
            f"damaged. {_ADVICE}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
