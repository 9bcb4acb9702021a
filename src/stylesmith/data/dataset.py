"""A folder or zip of images as rows of uint8 pixels and labels."""

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import base_grid
from stylesmith.data.archive import Archive, open_archive
from stylesmith.data.decode import convert_channels, crop_and_resize, decode_image, image_to_array
from stylesmith.data.labels import Labels, read_labels
from stylesmith.data.scan import (
    BadImage,
    check_readable,
    common_size,
    image_names,
    scan_images,
)
from stylesmith.data.training_zip import read_manifest
from stylesmith.errors import DataError
from stylesmith.formatting import format_image_size

MAX_CACHED_BYTES = 512 << 20
"""Bytes of decoded images that are kept, so that small data is decoded only once."""


@dataclass
class Dataset:
    """Images and labels, read when asked for, from any thread."""

    path: Path
    size: tuple[int, int]
    """Height and width of every image."""
    channels: int
    """1, 3 or 4."""
    names: list[str]
    """The images, sorted."""
    skipped: list[BadImage]
    """Name and reason of each image that was left out, or replaced, as unreadable."""
    fingerprint: str
    """Changes whenever a name, the size of a file or a label does."""
    labels: Labels | None
    archive: Archive
    resize: bool = False
    """Whether images of other sizes are cropped and resized."""
    skip_bad: bool = False
    """Whether the next image takes the place of one that turns out to be damaged."""
    credit: str = ""
    """Author and license of the images, where they ask to be named."""
    _cached: np.ndarray | None = field(init=False, repr=False)
    _is_cached: np.ndarray = field(init=False, repr=False)
    _damaged: dict[int, str] = field(init=False, repr=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        shape = (len(self), self.channels, *self.size)
        fits = np.prod(shape, dtype=np.int64) <= MAX_CACHED_BYTES
        self._cached = np.empty(shape, np.uint8) if fits else None
        self._is_cached = np.zeros(len(self), bool)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def label_size(self) -> int:
        """Length of a label; 0 if there are none."""
        return self.labels.size if self.labels else 0

    @property
    def class_names(self) -> list[str] | None:
        """Names of the classes, where the data tells them."""
        return self.labels.class_names if self.labels else None

    def pixels(self, index: int) -> np.ndarray:
        """One image, uint8 `(C, H, W)`.

        Raises:
            DataError: If it is damaged, naming the file; with `skip_bad` only if all are.
        """
        return self.image_and_label(index)[0]

    def label(self, index: int) -> np.ndarray:
        """The label of one image, float32 `(label_size,)`; a class is one-hot."""
        return self.labels.vector(index) if self.labels else np.zeros(0, np.float32)

    def image_and_label(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """An image with its own label; with `skip_bad`, the next one if it is damaged.

        Raises:
            DataError: As `pixels`.
        """
        for step in range(len(self)):
            good = (index + step) % len(self)
            try:
                return self._read(good), self.label(good)
            except DataError:
                if not self.skip_bad:
                    raise
        raise DataError(f"{self.path}: every one of the {len(self)} images is damaged.")

    def close(self) -> None:
        """Let go of the file."""
        self.archive.close()

    def _read(self, index: int) -> np.ndarray:
        if self._cached is not None and self._is_cached[index]:
            pixels: np.ndarray = self._cached[index].copy()
            return pixels
        if index in self._damaged:
            raise DataError(self._damaged[index])
        try:
            pixels = self._decode(self.names[index])
        except DataError as error:
            raise DataError(self._record_damage(index, str(error))) from error
        if self._cached is not None:
            self._cached[index] = pixels
            self._is_cached[index] = True  # only now, for other threads look at it first
        return pixels

    def _decode(self, name: str) -> np.ndarray:
        picture = convert_channels(decode_image(self.archive.read(name)), self.channels)
        if self.resize:
            picture = crop_and_resize(picture, self.size)
        if picture.size != (self.size[1], self.size[0]):
            found, wanted = (
                format_image_size((picture.height, picture.width)),
                format_image_size(self.size),
            )
            raise DataError(f"is {found}, where all others are {wanted}")
        return image_to_array(picture)

    def _record_damage(self, index: int, reason: str) -> str:
        name = self.names[index]
        with self._lock:
            if index not in self._damaged:
                self._damaged[index] = (
                    f"{self.path}: {name!r} cannot be read: {reason}. "
                    "Repair or remove it, or leave it out with --skip-bad."
                )
                self.skipped += [(name, reason)] if self.skip_bad else []
            return self._damaged[index]


def open_dataset(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Dataset:
    """Open a folder (with its subfolders) or zip of PNG, JPEG and WebP images.

    Every image is looked at, but not decoded; a zip made by `data prepare` is taken at its word.

    Args:
        path: The folder or zip.
        size: Height and width; other images are center-cropped and resized. None takes the size
            that all images have.
        channels: 1, 3 or 4; None is 1 if no image has color, else 3, with transparency on white.
        skip_bad: Leave unreadable images out.
        on_progress: Told how many images have been looked at, and of how many.

    Raises:
        DataError: If the data cannot be used; naming the first files that are the cause.
        ConfigError: If no network has this `size`.
    """
    path = Path(path)
    if size:
        base_grid(*size)
    archive = open_archive(path)
    try:
        return _open_archive(archive, size, channels, skip_bad, on_progress)
    except BaseException:
        archive.close()
        raise


def _open_archive(
    archive: Archive,
    size: tuple[int, int] | None,
    channels: int | None,
    skip_bad: bool,
    on_progress: ProgressCallback | None,
) -> Dataset:
    names = image_names(archive)
    manifest = read_manifest(archive, len(names))
    if manifest:
        bad: list[BadImage] = []
        found_size, found_channels, class_names = (
            manifest.size,
            manifest.channels,
            manifest.class_names,
        )
    else:
        found = scan_images(archive, names, on_progress)
        check_readable(archive.path, found, skip_bad=skip_bad)
        names, bad, class_names = list(found.headers), found.bad, None
        found_size = size or common_size(archive.path, found.headers)
        found_channels = found.channels
    left_out = [name for name, _ in bad]
    labels = read_labels(archive, names, left_out=left_out, class_names=class_names)
    return Dataset(
        path=archive.path,
        size=size or found_size,
        channels=channels or found_channels,
        names=names,
        skipped=bad,
        fingerprint=_fingerprint(archive, names, labels),
        labels=labels,
        archive=archive,
        resize=size is not None,
        skip_bad=skip_bad,
        credit=manifest.credit if manifest else "",
    )


def _fingerprint(archive: Archive, names: list[str], labels: Labels | None) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        digest.update(f"{name}\0{archive.sizes[name]}\n".encode(errors="surrogateescape"))
    if labels:
        digest.update(f"{labels.size} {labels.values.dtype}".encode())
        digest.update(labels.values.tobytes())
    return digest.hexdigest()
