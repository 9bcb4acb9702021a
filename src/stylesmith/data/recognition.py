"""Recognition of what lies at a path, and the reader of each kind."""

import os
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from stylesmith.data.archive import Archive, FolderArchive, ZipArchive
from stylesmith.data.cifar import is_cifar, open_cifar_folder, open_cifar_tar
from stylesmith.data.decode import IMAGE_SUFFIXES
from stylesmith.data.file_names import is_system_file
from stylesmith.data.hdf5_images import HDF5_SUFFIXES, open_hdf5
from stylesmith.data.lmdb_images import LmdbArchive
from stylesmith.data.mnist import IMAGES_NAME, open_mnist
from stylesmith.data.numpy_images import open_npy, open_npz
from stylesmith.data.splits import ALL, choose_splits
from stylesmith.data.tar_shards import TarArchive, find_shards
from stylesmith.data.tfrecord import find_tfrecords, open_tfrecord
from stylesmith.errors import DataError

DATABASE_NAME = "data.mdb"
TFRECORD_NAME = re.compile(r".+\.tfrecords?(-\d+-of-\d+)?|.+\.tfrecords?-\d+", re.I)
COMPRESSED = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
FILE_SUFFIXES = (".zip", ".npy", ".npz", ".tfrecord", ".tfrecords", *HDF5_SUFFIXES, *COMPRESSED)


def is_data_file(path: Path) -> bool:
    """Whether a file is named like a zip or a container of images."""
    name = path.name.lower()
    if name.endswith(".tar"):
        return tarfile.is_tarfile(path)  # checkpoints are named `.pth.tar`, too
    return (
        name.endswith(FILE_SUFFIXES)
        or TFRECORD_NAME.fullmatch(name) is not None
        or IMAGES_NAME.fullmatch(name) is not None
        or name == DATABASE_NAME
    )


def open_archive(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    split: str = "",
    skip_bad: bool = False,
) -> Archive:
    """Open a folder, a zip, or a container of images.

    Args:
        path: The folder or file.
        size: Height and width that are wanted; of several levels in TFRecords this one is taken.
        split: Part of a container that has several: train, val, test or all; empty is train.
        skip_bad: Go on where a shard is missing.

    Raises:
        DataError: If it is missing, unknown or unreadable, or holds unsafe names.
    """
    try:
        if path.is_dir():
            return _open_folder_container(path, size, split, skip_bad) or FolderArchive(path)
        if not path.exists():
            raise DataError(f"{path}: there is no such folder or zip.")
        return _open_file(path, size, split) or ZipArchive(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _open_lmdb(path: Path, folder: Path, size: tuple[int, int] | None, split: str) -> Archive:
    choose_splits([], split, path)
    return LmdbArchive(path, folder, size)


def _open_file(path: Path, size: tuple[int, int] | None, split: str) -> Archive | None:
    """The reader of a file; None for a zip, whose reader refuses unknown files, too."""
    name = path.name.lower()
    if name.endswith(COMPRESSED):
        if "cifar" in name:
            return open_cifar_tar(path, split)
        raise DataError(
            f"{path}: is compressed as a whole, so that no image can be read without all before "
            "it. Unpack it, or decompress it to a .tar."
        )
    if TFRECORD_NAME.fullmatch(name):
        choose_splits([], split, path)
        return open_tfrecord(path)
    if name.endswith(HDF5_SUFFIXES):
        choose_splits([], split, path)
        return open_hdf5(path, size)
    if name.endswith(".npz"):
        return open_npz(path, split)
    if name.endswith(".npy"):
        return open_npy(path, split)
    if IMAGES_NAME.fullmatch(name):
        return open_mnist(path.parent, [path.name], split or ALL, path)
    if name == DATABASE_NAME:
        return _open_lmdb(path, path.parent, size, split)
    if name.endswith(".tar"):
        return TarArchive(path, [path])
    return None


def _open_folder_container(
    path: Path, size: tuple[int, int] | None, split: str, skip_bad: bool
) -> Archive | None:
    """The reader of the container files in a folder; None if it holds images or none of these."""
    folder, names = _descend(path)
    if any(name.lower().endswith(tuple(IMAGE_SUFFIXES)) for name in names):
        return None
    if is_cifar(names):
        return open_cifar_folder(folder, names, split, path)
    if any((folder / name).is_dir() for name in names):
        return None
    if DATABASE_NAME in names:
        return _open_lmdb(path, folder, size, split)
    records = [name for name in names if TFRECORD_NAME.fullmatch(name)]
    if records:
        choose_splits([], split, path)
        return find_tfrecords(folder, records, size)
    if any(IMAGES_NAME.fullmatch(name) for name in names):
        return open_mnist(folder, names, split, path)
    shards = [name for name in names if name.lower().endswith(".tar")]
    if shards:
        return TarArchive(path, find_shards(folder, shards, skip_bad=skip_bad))
    return _open_only_file(folder, names, size, split)


def _open_only_file(
    folder: Path, names: Iterable[str], size: tuple[int, int] | None, split: str
) -> Archive | None:
    """The one file of arrays or records in a folder, as downloads leave it."""
    suffixes = (".npz", ".npy", *HDF5_SUFFIXES)
    found = [n for n in names if n.lower().endswith(suffixes) and "label" not in n.lower()]
    return _open_file(folder / found[0], size, split) if len(found) == 1 else None


def _descend(path: Path) -> tuple[Path, list[str]]:
    """A folder and its names; where it holds one folder and nothing else, those of that one."""
    while True:
        names = sorted(name for name in os.listdir(path) if not is_system_file(name))
        if len(names) != 1 or not (path / names[0]).is_dir():
            return path, names
        path = path / names[0]
