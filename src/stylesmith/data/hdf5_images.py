"""HDF5 files of images (extra `[hdf5]`): StudioGAN's, ProGAN's, and any with one array of images.

StudioGAN stores `imgs` and `labels`; ProGAN stores an array for each size, `data1024x1024`, and
labels in a NumPy file beside.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stylesmith.data.array_archive import ArrayArchive, as_images
from stylesmith.data.label_values import Labels
from stylesmith.data.numpy_images import labels_beside, make_labels
from stylesmith.errors import DataError, UsageError

HDF5_SUFFIXES = (".h5", ".hdf5")
_SIZED_NAME = re.compile(r"data(\d+)x\1")
_LABEL_NAMES = ("labels", "label", "y")


class _StoredImages:
    """An array of images in a file, of which each is read when asked for; `(N, H, W, C)`."""

    def __init__(self, array: Any, where: str):
        self._array, self._where = array, where
        # A view of one value tells the order of the axes without reading the array.
        view = as_images(np.broadcast_to(np.zeros((), array.dtype), array.shape), where)
        self.shape, self.itemsize = view.shape, view.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        try:
            return as_images(self._array[index][None], self._where)[0]
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot be read: {error}") from error


def open_hdf5(path: Path, size: tuple[int, int] | None) -> ArrayArchive:
    """Open the images of an HDF5 file: the array of `size` where there are several, or the largest.

    Raises:
        DataError: If it is damaged or holds no images, or labels do not fit; with what it holds.
        UsageError: If the package h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise UsageError(
            f'{path}: is an HDF5 file, which needs a package: pip install "stylesmith[hdf5]"'
        ) from None
    arrays: dict[str, Any] = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item

    try:
        h5py.File(path, "r").visititems(add)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{path}: is damaged or no HDF5 file. Copy or download it again."
        ) from error
    name = _choose_array(path, arrays, size)
    images = _StoredImages(arrays[name], f"{path}: {name}")
    labels = _read_labels(path, arrays, len(images))
    return ArrayArchive(path, [images], labels, f"HDF5, {len(images):,} images of {name}")


def _choose_array(path: Path, arrays: Mapping[str, Any], size: tuple[int, int] | None) -> str:
    sized = {int(match[1]): name for name in arrays if (match := _SIZED_NAME.fullmatch(name))}
    if sized:
        wanted = size[0] if size and size[0] == size[1] else 0
        return sized[wanted if wanted in sized else max(sized)]
    images = [name for name, array in arrays.items() if array.ndim in {3, 4}]
    if len(images) != 1:
        listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(
            f"{path}: wanted one array of images (3 or 4 axes), or ProGAN's data256x256; it holds "
            f"{listed}."
        )
    return images[0]


def _read_labels(path: Path, arrays: Mapping[str, Any], count: int) -> Labels | None:
    name = next((name for name in _LABEL_NAMES if name in arrays), None)
    if name is None:
        return labels_beside(path, count)
    return make_labels(arrays[name][...], count, path)
