"""What is wrong with a data set, or worth knowing of it, file by file."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from stylesmith.config import base_grid
from stylesmith.data.archive import Archive, open_archive
from stylesmith.data.decode import ImageHeader, decode_image, parse_header
from stylesmith.data.labels import LABELS_FILE, Labels, read_labels
from stylesmith.data.pack import ATTRIBUTES_FILE, MANIFEST_FILE, read_manifest
from stylesmith.data.parallel import ProgressCallback, map_ahead, report_progress
from stylesmith.data.scan import (
    describe_other_files,
    format_image_size,
    image_names,
    prepare_command,
)
from stylesmith.errors import ConfigError, DataError

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
