"""The check of training data: every image is decoded, and what is found is told by kind."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np

from stylesmith.callbacks import ProgressCallback
from stylesmith.data.archive import Archive, blake2b_digest
from stylesmith.data.decode import ImageHeader, decode_image, image_value_range, parse_header
from stylesmith.data.image_set import AUTOMATIC, ImageSet, ReadOptions, open_images
from stylesmith.data.label_values import Labels
from stylesmith.data.scan import (
    common_size,
    note_other_files,
    prepare_command,
    process_images,
)
from stylesmith.data.value_range import note_value_range
from stylesmith.errors import DataError
from stylesmith.formatting import format_count, format_image_size, shorten_list

MIN_RECOMMENDED_IMAGES = 1000
"""With fewer images than this a network memorizes them."""

T = TypeVar("T")

Topic = Literal["bad", "conflict", "copy", "class", "mode", "size"]
"""What findings are grouped by; what matters most comes first."""


@dataclass(frozen=True)
class Finding:
    """Something about one file or class."""

    name: str
    topic: Topic
    text: str

    @property
    def kind(self) -> Literal["bad", "note"]:
        """`bad` must be repaired, a `note` is worth knowing."""
        return "bad" if self.topic == "bad" else "note"


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
    recognized: str = ""
    """A sentence about the recognized layout and the option that overrules it; may be empty."""
    labels: str = "none"
    """The labels in words."""
    pixel_hash: str = ""
    """Hash of the pixels of all good images in the order of their names."""
    advice: list[str] = field(default_factory=list)

    def add(self, name: str, topic: Topic, text: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(name, topic, text))

    def by_topic(self) -> dict[Topic, list[Finding]]:
        """The findings of each topic that has some, what matters most first."""
        groups: dict[Topic, list[Finding]] = {topic: [] for topic in get_args(Topic)}
        for finding in self.findings:
            groups[finding.topic].append(finding)
        return {topic: found for topic, found in groups.items() if found}

    @property
    def bad_images(self) -> list[Finding]:
        """What must be repaired or left out."""
        return [finding for finding in self.findings if finding.kind == "bad"]


@dataclass(frozen=True)
class _CheckedImage:
    """A good image: its header, the hash of its pixels, and the range of its values."""

    header: ImageHeader
    pixel_hash: str
    value_range: tuple[int, int]


def check_data(
    path: Path | str,
    *,
    options: ReadOptions = AUTOMATIC,
    on_progress: ProgressCallback | None = None,
) -> DataReport:
    """Decode every image of a folder, zip or container and report.

    Args:
        path: The data.
        options: Which part to take, and where labels come from.
        on_progress: Called with the number of images done, and of all.

    Raises:
        DataError: If there is nothing to check: no such path, no images, unsafe names.
    """
    with closing(open_images(Path(path), options=options)) as found:
        archive, names = found.archive, found.names
        report = DataReport(archive.path, len(names), recognized=found.recognized)
        images = _decode_all(archive, names, report, on_progress)
        headers = {name: image.header for name, image in images.items()}
        report.pixel_hash = blake2b_digest(one.pixel_hash.encode() for one in images.values())
        _note_outliers(headers, report)
        labels = _read_labels(found, list(headers), report)
        _note_copies(images, labels, report)
        if labels:
            _note_small_classes(labels, report)
        _add_advice(archive, images, report)
    return report


def _decode_all(
    archive: Archive, names: list[str], report: DataReport, on_progress: ProgressCallback | None
) -> dict[str, _CheckedImage]:
    images: dict[str, _CheckedImage] = {}
    for name, result in process_images(archive, names, _check_image, on_progress):
        if isinstance(result, DataError):
            report.add(name, "bad", str(result))
        else:
            images[name] = result
    return images


def _check_image(content: bytes) -> _CheckedImage:
    header, image = parse_header(content), decode_image(content)
    pixels = np.ascontiguousarray(image)
    pixel_hash = blake2b_digest([repr(pixels.shape).encode(), pixels.data])
    return _CheckedImage(header, pixel_hash, image_value_range(image))


def _note_outliers(headers: dict[str, ImageHeader], report: DataReport) -> None:
    """Note the files that differ from most in size or pixel format, where most have one."""
    report.sizes.update(header.size for header in headers.values())
    report.modes.update(header.mode for header in headers.values())
    size, mode = _majority(report.sizes), _majority(report.modes)
    for name, header in headers.items():
        if size and header.size != size:
            found, usual = format_image_size(header.size), format_image_size(size)
            report.add(name, "size", f"is {found}, most are {usual}")
        if mode and header.mode != mode:
            report.add(name, "mode", f"is of mode {header.mode}, most are {mode}")


def _majority(counts: Counter[T]) -> T | None:
    """The value that at least half have, if there is one."""
    for value, count in counts.most_common(1):
        if 2 * count >= counts.total():
            return value
    return None


def _read_labels(found: ImageSet, good: list[str], report: DataReport) -> Labels | None:
    if not good:
        return None
    try:
        labels = found.read_labels(good)
    except DataError as error:
        report.add("labels", "bad", str(error).removeprefix(f"{found.archive.path}: "))
        report.labels = "not usable"
        return None
    if labels:
        report.labels = _describe_labels(labels)
    return labels


def _note_copies(
    images: dict[str, _CheckedImage], labels: Labels | None, report: DataReport
) -> None:
    """Note images that are there twice; in two classes they contradict each other."""
    first_with: dict[str, int] = {}
    names = list(images)
    for index, (name, image) in enumerate(images.items()):
        twin = first_with.setdefault(image.pixel_hash, index)
        if twin == index:
            continue
        text = f"same pixels as {names[twin]!r}"
        if labels and labels.json_value(index) != labels.json_value(twin):
            report.add(name, "conflict", f"{text}, which has another label")
        else:
            report.add(name, "copy", text)


def _note_small_classes(labels: Labels, report: DataReport) -> None:
    """Note classes that are empty, of one image, or less than half as large as most."""
    if labels.values.ndim == 2:
        return
    counts = np.bincount(labels.values, minlength=labels.size)
    usual = int(np.median(counts))
    for number, count in enumerate(counts):
        if count < 2 or 2 * count < usual:
            name = labels.class_names[number] if labels.class_names else str(number)
            few = "no images" if count == 0 else format_count(count, "image")
            text = f"has {few}"
            text += f"; half of the classes have {usual} or more" if usual > count else ""
            report.add(f"class {name}", "class", text)


def _describe_labels(labels: Labels) -> str:
    if labels.values.ndim == 2:
        return f"{labels.size} numbers per image"
    counts = np.bincount(labels.values, minlength=labels.size)
    text = f"{labels.size} classes of {counts.min()} to {counts.max()} images"
    if labels.class_names:
        text += f" ({shorten_list(labels.class_names)})"
    return text


def _add_advice(archive: Archive, images: dict[str, _CheckedImage], report: DataReport) -> None:
    report.advice += [line for line in _advice(archive, images, report) if line]


def _advice(
    archive: Archive, images: dict[str, _CheckedImage], report: DataReport
) -> Iterator[str]:
    headers = {name: image.header for name, image in images.items()}
    if report.bad_images:
        yield "Repair or remove the bad files, or pass --skip-bad when training."
    if headers:
        command = prepare_command(archive.path, headers)
        ranges = [image.value_range for image in images.values()]
        yield note_value_range(ranges, f"Run `{command} --stretch`")
        try:
            common_size(archive.path, headers)
        except DataError:
            yield f"Make one size that a network can have: {command}"
    if len(headers) < MIN_RECOMMENDED_IMAGES:
        yield (
            f"{len(headers)} images are few: expect the network to repeat them. "
            "Several thousand are a good start; --mirror doubles them where left may be right."
        )
    yield note_other_files(archive)
