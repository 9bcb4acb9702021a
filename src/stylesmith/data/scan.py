"""Scan of a folder or zip by the headers of its images, and the full check of each image."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

import numpy as np

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import base_grid
from stylesmith.data.archive import Archive, blake2b_digest, open_archive
from stylesmith.data.decode import (
    IMAGE_SUFFIXES,
    ImageHeader,
    decode_image,
    parse_header,
    read_header,
)
from stylesmith.data.labels import LABELS_FILE, Labels, read_labels
from stylesmith.data.parallel import map_ahead, report_progress
from stylesmith.data.training_zip import ATTRIBUTES_FILE, MANIFEST_FILE, read_manifest
from stylesmith.errors import ConfigError, DataError
from stylesmith.formatting import format_command, format_image_size

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


def image_names(archive: Archive) -> list[str]:
    """The files that are named like images, sorted.

    Raises:
        DataError: If there are none; the message says what is there.
    """
    names = [name for name in archive.sizes if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
    if names:
        return names
    if not archive.sizes:
        raise DataError(f"{archive.path}: is empty. Wanted PNG, JPEG or WebP images.")
    raise DataError(
        f"{archive.path}: holds no images, only {describe_other_files(archive)}. "
        "Wanted PNG, JPEG or WebP."
    )


def describe_other_files(archive: Archive, *, known: Collection[str] = ()) -> str:
    """The files that are no images, as `3 .txt, 1 .gif`; empty if there are none but `known`."""
    paths = [PurePosixPath(name) for name in archive.sizes]
    suffixes = [path.suffix.lower() for path in paths if path.name not in known]
    counts = Counter(
        suffix or "without suffix" for suffix in suffixes if suffix not in IMAGE_SUFFIXES
    )
    return ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(5))


def scan_images(
    archive: Archive,
    names: Sequence[str],
    *,
    skip_bad: bool,
    on_progress: ProgressCallback | None = None,
) -> ScanResult:
    """Read the header and the end of every image.

    Raises:
        DataError: If there are bad images and `skip_bad` is off, or no others; naming the first
            ones and their number.
    """
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


def read_image_labels(archive: Archive, names: Sequence[str], good: Sequence[str]) -> Labels | None:
    """The labels of the good images among all; None where the data has none.

    Raises:
        DataError: If `dataset.json` is malformed, or does not fit the images.
    """
    manifest = read_manifest(archive, len(names))
    return read_labels(
        archive,
        good,
        left_out=sorted(set(names).difference(good)),
        class_names=manifest.class_names if manifest else None,
    )


def unreadable_image_error(path: Path, name: str, reason: object) -> DataError:
    """The error about one image that turned out to be damaged, with what to do."""
    return DataError(
        f"{path}: {name!r} cannot be read: {reason}. "
        "Repair or remove it, or leave it out with --skip-bad."
    )


def common_size(path: Path, headers: dict[str, ImageHeader]) -> tuple[int, int]:
    """The one size of all images, which must be one that a network can have.

    Raises:
        DataError: If there are several sizes or no network fits; with the command that helps.
    """
    name, first = next(iter(headers.items()))
    advice = f"Run `{prepare_command(path, headers)}` to crop and resize them."
    other = next((item for item in headers.items() if item[1].size != first.size), None)
    if other:
        count = len({header.size for header in headers.values()})
        raise DataError(
            f"{path}: images have {count} sizes, such as {format_image_size(first.size)} in "
            f"{name!r} and {format_image_size(other[1].size)} in {other[0]!r}; training needs one. "
            f"{advice}"
        )
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


MIN_RECOMMENDED_IMAGES = 1000
"""With fewer images than this a network memorizes them."""


@dataclass(frozen=True)
class Finding:
    """Something about one file: `bad` must be repaired, a `note` is worth knowing."""

    name: str
    kind: Literal["bad", "note"]
    text: str


@dataclass
class DataReport:
    """The result of a check."""

    path: Path
    images: int
    findings: list[Finding] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """How many images have each height and width."""
    modes: Counter[str] = field(default_factory=Counter)
    """How many images have each pixel format, by Pillow's names."""
    labels: str = "none"
    """The labels in words."""
    advice: list[str] = field(default_factory=list)

    def add(self, name: str, kind: Literal["bad", "note"], text: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(name, kind, text))

    @property
    def bad_images(self) -> list[Finding]:
        """What must be repaired or left out."""
        return [finding for finding in self.findings if finding.kind == "bad"]


def check_data(path: Path | str, *, on_progress: ProgressCallback | None = None) -> DataReport:
    """Decode every image of a folder or zip and report.

    Raises:
        DataError: If there is nothing to check: no such path, no images, unsafe names.
    """
    with closing(open_archive(Path(path))) as archive:
        names = image_names(archive)
        report = DataReport(archive.path, len(names))
        headers = _decode_all(archive, names, report, on_progress)
        _note_outliers(headers, report)
        _check_labels(archive, names, headers, report)
        _add_advice(archive, headers, report)
    return report


def _decode_all(
    archive: Archive, names: list[str], report: DataReport, on_progress: ProgressCallback | None
) -> dict[str, ImageHeader]:
    headers: dict[str, ImageHeader] = {}
    first_with: dict[str, str] = {}
    for name, result in process_images(archive, names, _decode_and_hash, on_progress):
        if isinstance(result, DataError):
            report.add(name, "bad", str(result))
            continue
        headers[name], pixel_hash = result
        twin = first_with.setdefault(pixel_hash, name)
        if twin != name:
            report.add(name, "note", f"same pixels as {twin!r}")
    return headers


def _decode_and_hash(content: bytes) -> tuple[ImageHeader, str]:
    header, pixels = parse_header(content), np.ascontiguousarray(decode_image(content))
    return header, blake2b_digest([repr(pixels.shape).encode(), pixels.data])


def _note_outliers(headers: dict[str, ImageHeader], report: DataReport) -> None:
    """Note the files that differ from most in size or pixel format."""
    report.sizes.update(header.size for header in headers.values())
    report.modes.update(header.mode for header in headers.values())
    if not headers:
        return
    ((size, _),), ((mode, _),) = report.sizes.most_common(1), report.modes.most_common(1)
    for name, header in headers.items():
        if header.size != size:
            found, usual = format_image_size(header.size), format_image_size(size)
            report.add(name, "note", f"is {found}, most are {usual}")
        if header.mode != mode:
            report.add(name, "note", f"is of mode {header.mode}, most are {mode}")


def _check_labels(
    archive: Archive, names: list[str], headers: dict[str, ImageHeader], report: DataReport
) -> None:
    good = [name for name in names if name in headers]
    if not good:
        return
    try:
        labels = read_image_labels(archive, names, good)
    except DataError as error:
        report.add("labels", "bad", str(error).removeprefix(f"{archive.path}: "))
        report.labels = "not usable"
        return
    if labels:
        report.labels = _describe_labels(labels)


def _describe_labels(labels: Labels) -> str:
    if labels.values.ndim == 2:
        return f"{labels.size} numbers per image"
    counts = np.bincount(labels.values, minlength=labels.size)
    text = f"{labels.size} classes of {counts.min()} to {counts.max()} images"
    if labels.class_names:
        some = ", ".join(labels.class_names[:10])
        text += f" ({some}{', ...' if labels.size > 10 else ''})"
    return text


def _add_advice(archive: Archive, headers: dict[str, ImageHeader], report: DataReport) -> None:
    if report.bad_images:
        report.advice.append("Repair or remove the bad files, or pass --skip-bad when training.")
    try:
        if headers:
            common_size(archive.path, headers)
    except DataError:
        command = prepare_command(archive.path, headers)
        report.advice.append(f"Make one size that a network can have: {command}")
    if len(headers) < MIN_RECOMMENDED_IMAGES:
        report.advice.append(
            f"{len(headers)} images are few: expect the network to repeat them. "
            "Several thousand are a good start; --mirror doubles them where left may be right."
        )
    others = describe_other_files(archive, known=(LABELS_FILE, MANIFEST_FILE, ATTRIBUTES_FILE))
    if others:
        report.advice.append(f"Other files are ignored: {others}.")
