"""Scan of a folder or zip by the headers of its images, and the full check of each image."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import base_grid
from stylesmith.data.archive import Archive, open_archive
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
from stylesmith.formatting import format_image_size

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
    archive: Archive, names: Sequence[str], on_progress: ProgressCallback | None = None
) -> ScanResult:
    """Look at the header and the end of every image."""
    headers: dict[str, ImageHeader] = {}
    bad: list[BadImage] = []
    for done, name in enumerate(names, start=1):
        try:
            headers[name] = read_header(archive, name)
        except DataError as error:
            bad.append((name, str(error)))
        report_progress(on_progress, done, len(names))
    return ScanResult(headers, bad)


def check_readable(path: Path, found: ScanResult, *, skip_bad: bool) -> None:
    """Refuse bad images, or a data set of nothing else.

    Raises:
        DataError: Naming the first bad images and their number.
    """
    total = len(found.headers) + len(found.bad)
    if found.bad and (not skip_bad or not found.headers):
        some = ", ".join(f"{name!r} ({reason})" for name, reason in found.bad[:5])
        more = f" and {len(found.bad) - 5} more" if len(found.bad) > 5 else ""
        advice = "Repair or remove them"
        advice += ", or leave them out with --skip-bad." if found.headers else "."
        raise DataError(
            f"{path}: {len(found.bad)} of {total} images cannot be read: {some}{more}. {advice}"
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
        ) from (error)
    return first.size


def prepare_command(path: Path, headers: dict[str, ImageHeader]) -> str:
    """The command that makes images of one size, near the one that most of them have."""
    sides = sorted(min(header.size) for header in headers.values())
    middle = max(8, min(1024, sides[len(sides) // 2]))
    return f"stylesmith data prepare {path} out.zip --resolution {1 << (middle.bit_length() - 1)}"


MIN_RECOMMENDED_IMAGES = 1000
"""With fewer images than this a network learns them by heart."""


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

    @property
    def bad_images(self) -> list[Finding]:
        """What must be repaired or left out."""
        return [finding for finding in self.findings if finding.kind == "bad"]


@dataclass(frozen=True)
class _DecodedImage:
    header: ImageHeader
    pixel_hash: bytes
    """Hash of the decoded pixels."""


def check_data(path: Path | str, *, on_progress: ProgressCallback | None = None) -> DataReport:
    """Decode every image of a folder or zip and report.

    Raises:
        DataError: If there is nothing to check: no such path, no images, unsafe names.
    """
    archive = open_archive(Path(path))
    try:
        names = image_names(archive)
        report = DataReport(archive.path, len(names))
        headers = _decode_all(archive, names, report, on_progress)
        _note_outliers(headers, report)
        _check_labels(archive, names, headers, report)
        _add_advice(archive, headers, report)
        return report
    finally:
        archive.close()


def _decode_all(
    archive: Archive, names: list[str], report: DataReport, on_progress: ProgressCallback | None
) -> dict[str, ImageHeader]:
    headers: dict[str, ImageHeader] = {}
    first_with: dict[bytes, str] = {}
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        results = map_ahead(pool, _make_decoder(archive), names, ahead=4 * workers)
        for done, (name, result) in enumerate(zip(names, results, strict=True), start=1):
            if isinstance(result, DataError):
                report.findings.append(Finding(name, "bad", str(result)))
            else:
                headers[name] = result.header
                twin = first_with.setdefault(result.pixel_hash, name)
                if twin != name:
                    report.findings.append(Finding(name, "note", f"same pixels as {twin!r}"))
            report_progress(on_progress, done, len(names), step=8)
    return headers


def _make_decoder(archive: Archive) -> Callable[[str], _DecodedImage | DataError]:
    def inspect(name: str) -> _DecodedImage | DataError:
        try:
            content = archive.read(name)
            header, picture = parse_header(content), decode_image(content)
        except DataError as error:
            return error
        pixels = np.ascontiguousarray(picture)
        digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
        digest.update(pixels.data)
        return _DecodedImage(header, digest.digest())

    return inspect


def _note_outliers(headers: dict[str, ImageHeader], report: DataReport) -> None:
    """Note the files that differ from most in size or pixel format."""
    report.sizes.update(header.size for header in headers.values())
    report.modes.update(header.mode for header in headers.values())
    if not headers:
        return
    size, mode = report.sizes.most_common(1)[0][0], report.modes.most_common(1)[0][0]
    for name, header in headers.items():
        if header.size != size:
            text = f"is {format_image_size(header.size)}, most are {format_image_size(size)}"
            report.findings.append(Finding(name, "note", text))
        if header.mode != mode:
            text = f"is of mode {header.mode}, most are {mode}"
            report.findings.append(Finding(name, "note", text))


def _check_labels(
    archive: Archive, names: list[str], headers: dict[str, ImageHeader], report: DataReport
) -> None:
    good = [name for name in names if name in headers]
    if not good:
        return
    left_out = [name for name in names if name not in headers]
    try:
        manifest = read_manifest(archive, len(names))
        class_names = manifest.class_names if manifest else None
        labels = read_labels(archive, good, left_out=left_out, class_names=class_names)
    except DataError as error:
        text = str(error).removeprefix(f"{archive.path}: ")
        report.findings.append(Finding("labels", "bad", text))
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
    if len(report.sizes) > 1 or (headers and not _fits_network(next(iter(report.sizes)))):
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


def _fits_network(size: tuple[int, int]) -> bool:
    try:
        base_grid(*size)
    except ConfigError:
        return False
    return True
