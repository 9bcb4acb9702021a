"""Scan of images by their headers."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import base_grid
from stylesmith.data.archive import Archive
from stylesmith.data.decode import (
    FIRST_SUFFIXES,
    IMAGE_SUFFIXES,
    ImageHeader,
    read_header,
)
from stylesmith.data.labels import LABELS_FILE
from stylesmith.data.parallel import map_ahead, report_progress
from stylesmith.data.training_zip import ATTRIBUTES_FILE, MANIFEST_FILE
from stylesmith.errors import ConfigError, DataError
from stylesmith.formatting import format_command, format_image_size
from stylesmith.images import PIL_MODES

R = TypeVar("R")

BadImage = tuple[str, str]
"""Name of a file, and why it cannot be used."""


@dataclass(frozen=True)
class ScanResult:
    """The headers of the good images, by name, and the bad ones."""

    headers: dict[str, ImageHeader]
    bad: list[BadImage]

    @property
    def channels(self) -> int:
        """1 if no image has color, else 3."""
        return 1 if all(header.is_gray for header in self.headers.values()) else 3


FINGERPRINT_VERSION = 3
"""Version of the rules by which images are found and classes are numbered. Version 1, of earlier
runs, takes fewer kinds of files for images and sorts class folders as text; version 2 knows folders
and zips alone, and takes parts, masks and most numbered folders for classes."""

UNREADABLE_KINDS = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".psd", ".svg", ".tga", ".dng", ".raw", ".cr2", ".nef"}
)
"""Some kinds of images that cannot be read, for advice."""


def image_names(archive: Archive, *, version: int = FINGERPRINT_VERSION) -> list[str]:
    """The files that are named like images, sorted; dead links are among them if they may be.

    Raises:
        DataError: If there are none; the message says what is there.
    """
    suffixes = FIRST_SUFFIXES if version == 1 else IMAGE_SUFFIXES

    def is_image(name: str) -> bool:
        suffix = PurePosixPath(name).suffix.lower()
        if name in archive.dead_links:  # without a suffix, the link of a class folder
            return version > 1 and (not suffix or suffix in suffixes)
        return suffix in suffixes

    names = [name for name in archive.sizes if is_image(name)]
    if names:
        return names
    if not archive.sizes:
        raise DataError(f"{archive.path}: is empty. Wanted PNG, JPEG or WebP images.")
    raise DataError(
        f"{archive.path}: holds no images, only {describe_other_files(archive)}. "
        "Wanted PNG, JPEG or WebP."
    )


KNOWN_FILES = frozenset({LABELS_FILE, MANIFEST_FILE, ATTRIBUTES_FILE})
"""Files of training data beside the images."""


def describe_other_files(archive: Archive, *, known: Collection[str] = ()) -> str:
    """The files that are no images, as `3 .txt, 1 .heic`; empty if there are none but `known`."""
    paths = [PurePosixPath(name) for name in archive.sizes if name not in archive.dead_links]
    suffixes = [path.suffix.lower() for path in paths if path.name not in known]
    counts = Counter(
        suffix or "without suffix" for suffix in suffixes if suffix not in IMAGE_SUFFIXES
    )
    text = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(5))
    return f"{text}, ..." if len(counts) > 5 else text


def note_other_files(archive: Archive) -> str:
    """A sentence about the files that are left out as no images; empty if there are none."""
    others = describe_other_files(archive, known=KNOWN_FILES)
    if not others:
        return ""
    is_image = any(PurePosixPath(name).suffix.lower() in UNREADABLE_KINDS for name in archive.sizes)
    advice = " Convert images among them to PNG or JPEG to use them." if is_image else ""
    return f"Other files are ignored: {others}.{advice}"


def scan_images(
    archive: Archive,
    names: Sequence[str],
    *,
    skip_bad: bool,
    on_progress: ProgressCallback | None = None,
) -> ScanResult:
    """Read the header and the end of every image, unless the container tells them.

    Raises:
        DataError: If there are bad images and `skip_bad` is off, or no others; naming the first
            ones and their number.
    """
    if archive.shape:
        *size, channels = archive.shape
        header = ImageHeader((size[0], size[1]), PIL_MODES[channels])
        return ScanResult(dict.fromkeys(names, header), [])
    headers: dict[str, ImageHeader] = {}
    bad: list[BadImage] = []
    for done, name in enumerate(names, start=1):
        try:
            headers[name] = read_header(archive, name)
        except DataError as error:
            bad.append((name, str(error)))
        report_progress(on_progress, done, len(names))
    if bad and (not skip_bad or not headers):
        some = ", ".join(f"{name!r} ({reason})" for name, reason in bad[:5])
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        advice = "Repair or remove them"
        advice += ", or leave them out with --skip-bad." if headers else "."
        raise DataError(
            f"{archive.path}: {len(bad)} of {len(names)} images cannot be read: {some}{more}. "
            f"{advice}"
        )
    return ScanResult(headers, bad)


def process_images(
    archive: Archive,
    names: Sequence[str],
    process: Callable[[bytes], R],
    on_progress: ProgressCallback | None,
) -> Generator[tuple[str, R | DataError], None, None]:
    """Apply a function to the content of each file, in threads.

    Yields:
        Each name in turn with the result, or with the DataError that was raised instead.
    """

    def attempt(name: str) -> R | DataError:
        try:
            return process(archive.read(name))
        except DataError as error:
            return error

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        results = map_ahead(pool, attempt, names, ahead=4 * workers)
        for done, (name, result) in enumerate(zip(names, results, strict=True), start=1):
            yield name, result
            report_progress(on_progress, done, len(names), step=8)


def unreadable_image_error(path: Path, name: str, reason: object) -> DataError:
    """The error about one image that turned out to be damaged, with what to do."""
    return DataError(
        f"{path}: {name!r} cannot be read: {reason}. "
        "Repair or remove it, or leave it out with --skip-bad."
    )


def common_size(
    path: Path, headers: dict[str, ImageHeader], *, any_size: bool = False
) -> tuple[int, int]:
    """The one size of all images.

    Args:
        path: The data, for messages.
        headers: Of the images.
        any_size: Whether it may be one that no network can have: the images are only measured.

    Raises:
        DataError: If there are several sizes or no network fits; with what helps.
    """
    name, first = next(iter(headers.items()))
    advice = f"Run `{prepare_command(path, headers)}` to crop and resize them."
    if any_size:
        advice = f"Add --resolution {max(first.size)} to crop and resize them."
    other = next((item for item in headers.items() if item[1].size != first.size), None)
    if other:
        count = len({header.size for header in headers.values()})
        raise DataError(
            f"{path}: images have {count} sizes, such as {format_image_size(first.size)} in "
            f"{name!r} and {format_image_size(other[1].size)} in {other[0]!r}; "
            f"{'wanted' if any_size else 'training needs'} one. {advice}"
        )
    if any_size:
        return first.size
    try:
        base_grid(*first.size)
    except ConfigError as error:
        raise DataError(
            f"{path}: no network fits images such as {name!r}: {error}. {advice}"
        ) from error
    return first.size


def prepare_command(path: Path, headers: dict[str, ImageHeader]) -> str:
    """The command that makes images of one size, near the one that most of them have."""
    shorter = sorted(min(header.size) for header in headers.values())
    median = max(8, min(1024, shorter[len(shorter) // 2]))
    size = 1 << (median.bit_length() - 1)
    return format_command("data", "prepare", path, "out.zip", "--resolution", size)
