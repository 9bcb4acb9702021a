"""Images and labels of any data set as rows of uint8 pixels and vectors."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import DataConfig, base_grid
from stylesmith.data.archive import Archive, blake2b_digest
from stylesmith.data.decode import convert_channels, crop_and_resize, decode_image, image_to_array
from stylesmith.data.image_set import AUTOMATIC, ReadOptions, open_images
from stylesmith.data.label_values import Labels
from stylesmith.data.scan import (
    FINGERPRINT_VERSION,
    BadImage,
    common_size,
    note_other_files,
    scan_images,
    unreadable_image_error,
)
from stylesmith.data.training_zip import read_manifest
from stylesmith.errors import DataError
from stylesmith.formatting import format_image_size

MAX_CACHED_BYTES = 512 << 20
"""Maximum size of the decoded images that are kept, so that small data is decoded only once."""


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
    """Changes whenever a name, a label, or the size or sampled content of a file does."""
    labels: Labels | None
    archive: Archive
    resize: bool = False
    """Whether images of other sizes are cropped and resized."""
    skip_bad: bool = False
    """Whether the next image takes the place of one that turns out to be damaged."""
    filter: str | None = None
    """How the images were resized, where that is known."""
    credit: str = ""
    """Author and license of the images, where they ask to be named."""
    other_files: str = ""
    """A sentence about files that are no images; empty if there are none."""
    recognized: str = ""
    """A sentence about what was recognized, and what overrules it; empty if there is nothing."""
    options: ReadOptions = AUTOMATIC
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

    def subset(self, indices: Sequence[int]) -> "Dataset":
        """Some of the images, in this order; closing either data set closes both."""
        names = [self.names[index] for index in indices]
        labels = self.labels and replace(self.labels, values=self.labels.values[list(indices)])
        return replace(self, names=names, labels=labels)

    @property
    def label_size(self) -> int:
        """Length of a label; 0 if there are none."""
        return self.labels.size if self.labels else 0

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, where the data tells them."""
        names = self.labels.class_names if self.labels else None
        return tuple(names) if names else None

    @cached_property
    def content_hash(self) -> str:
        """Hash of the bytes of all images, their labels, and how they are resized.

        A zip keeps a checksum of each file; the files of a folder are read for it, once.
        """
        listing = _hash_listing(self.archive, self.names, self.labels)
        start = f"{listing} {self.size} {self.channels} {self.resize}".encode()
        return blake2b_digest(chain([start], map(self.archive.checksum, self.names)))

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
        """Close the file."""
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
            self._is_cached[index] = True  # only now, because other threads read it first
        return pixels

    def _decode(self, name: str) -> np.ndarray:
        image = convert_channels(decode_image(self.archive.read(name)), self.channels)
        if self.resize:
            image = crop_and_resize(image, self.size)
        found = (image.height, image.width)
        if found != self.size:
            wanted = format_image_size(self.size)
            raise DataError(f"is {format_image_size(found)}, where all others are {wanted}")
        return image_to_array(image)

    def _record_damage(self, index: int, reason: str) -> str:
        name = self.names[index]
        with self._lock:
            if index not in self._damaged:
                self._damaged[index] = str(unreadable_image_error(self.path, name, reason))
                self.skipped += [(name, reason)] if self.skip_bad else []
            return self._damaged[index]


def open_dataset(
    path: Path | str,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    any_size: bool = False,
    options: ReadOptions = AUTOMATIC,
    version: int = FINGERPRINT_VERSION,
    on_progress: ProgressCallback | None = None,
) -> Dataset:
    """Open a folder (with its subfolders), zip or container of images.

    The headers of all images are read; those of a zip made by `data prepare` are trusted.

    Args:
        path: The folder, zip or container; see docs/data.md.
        size: Height and width; other images are center-cropped and resized. None takes the size
            that all images have.
        channels: 1, 3 or 4; None is 1 if no image has color, else 3, with transparency on white.
        skip_bad: Leave unreadable images out.
        any_size: Take sizes that no network has, for images that are only measured.
        options: Which part to take, and where labels come from.
        version: Version of the rules that images and classes are found by; lower ones are for
            earlier runs.
        on_progress: Called with the number of images that were read, and of all.

    Raises:
        DataError: If the data cannot be used; naming the first files that are the cause.
        ConfigError: If no network has this `size`.
    """
    if size and not any_size:
        base_grid(*size)
    with ExitStack() as stack:
        images = open_images(
            Path(path), options=options, size=size, skip_bad=skip_bad, version=version
        )
        archive = stack.enter_context(closing(images.archive))
        names = images.names
        manifest = read_manifest(archive, len(images.every_image))
        bad: list[BadImage] = []
        if manifest:
            found_size, found_channels = manifest.size, manifest.channels
        else:
            found = scan_images(archive, names, skip_bad=skip_bad, on_progress=on_progress)
            names, bad, found_channels = list(found.headers), found.bad, found.channels
            found_size = size or common_size(archive.path, found.headers, any_size=any_size)
        labels = images.read_labels(names)
        dataset = Dataset(
            path=archive.path,
            size=size or found_size,
            channels=channels or found_channels,
            names=names,
            skipped=bad,
            fingerprint=_fingerprint(archive, names, labels, version),
            labels=labels,
            archive=archive,
            resize=size is not None,
            skip_bad=skip_bad,
            filter="lanczos" if size else manifest.filter if manifest else None,
            credit=manifest.credit if manifest else "",
            other_files=note_other_files(archive),
            recognized=images.recognized,
            options=options,
        )
        stack.pop_all()  # the data set closes the archive
    return dataset


def open_training_data(
    data: DataConfig,
    *,
    size: tuple[int, int] | None = None,
    skip_bad: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Dataset:
    """The images of a run in the size and with the channels that it was trained with.

    `size` and `skip_bad` replace those of the run; errors are those of `open_dataset`.
    """
    return open_dataset(
        data.path,
        size=size or (data.size if data.resize else None),
        channels=data.channels,
        skip_bad=skip_bad or data.skip_bad,
        options=ReadOptions(data.split, data.labels),
        version=fingerprint_version(data.fingerprint),
        on_progress=on_progress,
    )


def fingerprint_version(fingerprint: str) -> int:
    """Version of the rules that the images and classes of a run were found by."""
    if not fingerprint:
        return FINGERPRINT_VERSION
    number, colon, _ = fingerprint.partition(":")
    return int(number) if colon and number.isdecimal() else 1


def _fingerprint(archive: Archive, names: list[str], labels: Labels | None, version: int) -> str:
    """Hash of names, sizes and labels, and from version 2 on of what is cheap of the content."""
    listing = _hash_listing(archive, names, labels)
    if version == 1:
        return listing
    try:
        samples = blake2b_digest(map(archive.sample, names))
    except DataError as error:
        raise DataError(f"{archive.path}: an image cannot be read: {error}.") from error
    return f"{version}:{blake2b_digest([listing.encode(), samples.encode()])}"


def _hash_listing(archive: Archive, names: list[str], labels: Labels | None) -> str:
    parts = [f"{name}\0{archive.sizes[name]}\n".encode(errors="surrogateescape") for name in names]
    if labels:
        parts += [f"{labels.size} {labels.values.dtype}".encode(), labels.values.tobytes()]
    return blake2b_digest(parts)
