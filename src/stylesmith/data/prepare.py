"""From any folder or zip of images to a training zip: cropped, resized, labels kept."""

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL
from PIL import Image

from stylesmith.callbacks import ProgressCallback
from stylesmith.choices import ResizeFilter
from stylesmith.config import base_grid
from stylesmith.data.archive import Archive, open_archive
from stylesmith.data.decode import (
    center_crop_box,
    convert_channels,
    crop_and_resize,
    decode_image,
    pad_with_black,
)
from stylesmith.data.labels import Label, Labels, read_labels
from stylesmith.data.parallel import map_ahead, report_progress
from stylesmith.data.scan import (
    BadImage,
    check_readable,
    image_names,
    scan_images,
)
from stylesmith.data.training_zip import check_zip_path, read_manifest, write_training_zip
from stylesmith.errors import DataError, OutputError, UsageError
from stylesmith.formatting import format_image_size


@dataclass(frozen=True)
class PreparedDataset:
    """What was written."""

    path: Path
    count: int
    size: tuple[int, int]
    """Height and width."""
    channels: int
    label_size: int
    class_names: list[str] | None
    skipped: list[BadImage]
    """Images that were left out as unreadable, with the reason."""
    enlarged: int
    """Images that were smaller than `size`."""


def prepare_dataset(
    source: Path | str,
    out: Path | str,
    *,
    size: tuple[int, int],
    filter: ResizeFilter = "lanczos",
    content_size: tuple[int, int] | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    max_images: int | None = None,
    force: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PreparedDataset:
    """Center-crop and resize every image of `source` into a training zip, written whole or not.

    Args:
        source: Folder or zip of images; labels as `open_dataset` finds them.
        out: The zip.
        size: Height and width.
        filter: How to resize; recorded in the manifest, for scores depend on it.
        content_size: Height and width of the picture between black bars, as in LSUN Car; None fills
            the image.
        channels: 1, 3 or 4; None is 1 if no image has color, else 3.
        skip_bad: Leave unreadable images out, and name them in the manifest.
        max_images: Take only so many, spread evenly over the sorted names.
        force: Replace `out` if it exists.
        on_progress: Told how many images are done, and of how many.

    Raises:
        DataError: If images or labels cannot be used.
        ConfigError: If no network has this size.
        UsageError: If `max_images` is less than 1, or `picture` larger than the image.
        OutputError: If `out` exists or cannot be written.
    """
    source, out = Path(source), Path(out)
    base_grid(*size)
    check_zip_path(out, force=force)
    if out.resolve() == source.resolve():
        raise OutputError(f"{out}: is the source itself. Choose another name.")
    if max_images is not None and max_images < 1:
        raise UsageError(f"--max-images {max_images}: wanted at least 1")
    shape = CropAndResize(size, content_size or size, filter)
    archive = open_archive(source)
    try:
        plan = _make_plan(archive, channels, skip_bad, max_images)
        return _write_zip(plan, out, shape, skip_bad, on_progress)
    finally:
        archive.close()


@dataclass(frozen=True)
class CropAndResize:
    """What becomes of every picture: cropped, resized, and set between black bars."""

    size: tuple[int, int]
    """Height and width of the image."""
    content_size: tuple[int, int]
    """Height and width of what it shows; less than `size` leaves bars."""
    filter: ResizeFilter

    def __post_init__(self) -> None:
        (height, width), (picture_height, picture_width) = self.size, self.content_size
        if picture_height > height or picture_width > width:
            raise UsageError(
                f"--picture {format_image_size(self.content_size)}: wanted at most the image's "
                f"{format_image_size(self.size)}"
            )

    def apply(self, image: Image.Image) -> Image.Image:
        """The image of one picture."""
        return pad_with_black(crop_and_resize(image, self.content_size, self.filter), self.size)


@dataclass(frozen=True)
class _PreparePlan:
    """Which images are taken, and as what."""

    archive: Archive
    names: list[str]
    sizes: list[tuple[int, int]]
    labels: list[Label | None]
    dataset_labels: Labels | None
    channels: int
    skipped: list[BadImage]


def _make_plan(
    archive: Archive, channels: int | None, skip_bad: bool, max_images: int | None
) -> _PreparePlan:
    every_name = image_names(archive)
    seen = scan_images(archive, every_name)
    check_readable(archive.path, seen, skip_bad=skip_bad)
    names = list(seen.headers)
    manifest = read_manifest(archive, len(every_name))
    found = read_labels(
        archive,
        names,
        left_out=[name for name, _ in seen.bad],
        class_names=manifest.class_names if manifest else None,
    )
    count = min(len(names), max_images or len(names))
    chosen = [i * len(names) // count for i in range(count)]
    return _PreparePlan(
        archive,
        [names[i] for i in chosen],
        [seen.headers[names[i]].size for i in chosen],
        [found.json_value(i) if found else None for i in chosen],
        found,
        channels or seen.channels,
        seen.bad,
    )


def _write_zip(
    plan: _PreparePlan,
    out: Path,
    transform: CropAndResize,
    skip_bad: bool,
    on_progress: ProgressCallback | None,
) -> PreparedDataset:
    size, skipped = transform.size, list(plan.skipped)
    details: dict[str, Any] = {
        "source": plan.archive.path.name,
        "filter": transform.filter,
        "crop": "center",
        "picture": transform.content_size,
        "pillow": PIL.__version__,
        "skipped": skipped,
    }
    class_names = plan.dataset_labels.class_names if plan.dataset_labels else None
    encode = _make_encoder(plan.archive, transform, plan.channels)
    count = write_training_zip(
        out,
        _encode_images(plan, encode, skipped if skip_bad else None, on_progress),
        size=size,
        channels=plan.channels,
        class_names=class_names,
        details=details,
        extras={},
    )
    label_size = plan.dataset_labels.size if plan.dataset_labels else 0
    enlarged = sum(_is_smaller(found, transform.content_size) for found in plan.sizes)
    return PreparedDataset(
        out, count, size, plan.channels, label_size, class_names, skipped, enlarged
    )


def _encode_images(
    plan: _PreparePlan,
    encode: Callable[[str], bytes | DataError],
    skipped: list[BadImage] | None,
    on_progress: ProgressCallback | None,
) -> Iterator[tuple[bytes, Label | None]]:
    """Encoded images with their labels; damaged ones go to `skipped`, or are an error."""
    workers = os.cpu_count() or 1
    good = 0
    with ThreadPoolExecutor(workers) as pool:
        results = map_ahead(pool, encode, plan.names, ahead=4 * workers)
        for done, (name, label) in enumerate(zip(plan.names, plan.labels, strict=True), start=1):
            result = next(results)
            if isinstance(result, bytes):
                good += 1
                yield result, label
            elif skipped is None:
                raise DataError(
                    f"{plan.archive.path}: {name!r} cannot be read: {result}. "
                    "Repair or remove it, or leave it out with --skip-bad."
                )
            else:
                skipped.append((name, str(result)))
            report_progress(on_progress, done, len(plan.names), step=8)
    if not good:
        raise DataError(f"{plan.archive.path}: every one of its images is damaged.")


def _make_encoder(
    archive: Archive, transform: CropAndResize, channels: int
) -> Callable[[str], bytes | DataError]:
    def encode(name: str) -> bytes | DataError:
        """A PNG, or why there is none."""
        try:
            picture = convert_channels(decode_image(archive.read(name)), channels)
        except DataError as error:
            return error
        buffer = io.BytesIO()
        # Level 3 writes twice as fast as the default and a few percent larger.
        transform.apply(picture).save(buffer, "PNG", compress_level=3)
        return buffer.getvalue()

    return encode


def _is_smaller(found: tuple[int, int], wanted: tuple[int, int]) -> bool:
    left, top, right, bottom = center_crop_box(found, wanted)
    return bottom - top < wanted[0] or right - left < wanted[1]
