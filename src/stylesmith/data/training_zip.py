"""The training zip: stored images, labels in `dataset.json`, and a manifest.

The manifest `stylesmith.json` makes a scan of the images unnecessary.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesmith import files
from stylesmith.data.archive import Archive
from stylesmith.data.label_values import Label
from stylesmith.data.labels import LABELS_FILE
from stylesmith.errors import DataError, OutputError

MANIFEST_FILE = "stylesmith.json"
ATTRIBUTES_FILE = "attributes.json"
MANIFEST_VERSION = 1
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a fixed date: equal content gives equal zips


@dataclass(frozen=True)
class Manifest:
    """The fields of a training zip's manifest that reading needs."""

    size: tuple[int, int]
    channels: int
    count: int
    class_names: list[str] | None
    filter: str | None
    """How the images were resized."""
    credit: str
    """Author and license of the images, where they ask to be named."""


def zip_image_name(index: int) -> str:
    """Name in a training zip of the image with this number."""
    return f"{index // 1000:05d}/img{index:08d}.png"


def check_zip_path(out: Path, *, force: bool) -> None:
    """Refuse a name that is no zip, and a zip that is there already.

    Raises:
        OutputError: If `out` cannot be the name of a new training zip.
    """
    if out.suffix.lower() != ".zip":
        raise OutputError(f"{out}: training data is written as a zip. Use a name such as {out}.zip")
    files.check_absent(out, force=force)


def write_training_zip(
    out: Path,
    images: Iterable[tuple[bytes, Label | None]],
    *,
    size: tuple[int, int],
    channels: int,
    class_names: Sequence[str] | None,
    details: Mapping[str, Any],
    extras: Mapping[str, Any],
) -> int:
    """Write PNG files with their labels as a training zip, whole or not at all.

    Args:
        out: The zip.
        images: Encoded images, each with its label; all have one, or none has.
        size: Height and width of every image.
        channels: Channels of every image.
        class_names: Names of the classes, if labels are classes with names.
        details: More for the manifest: source, filter, license and the like. Read when all
            images are written, so it may still be filled while they are made.
        extras: Other JSON files by name, read at the same time.

    Returns:
        The number of images.

    Raises:
        OutputError: If the zip cannot be written.
    """
    labels: list[Label | None] = []

    def write(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for content, label in images:
                archive.writestr(zipfile.ZipInfo(zip_image_name(len(labels)), _ZIP_DATE), content)
                labels.append(label)
            manifest = {
                "version": MANIFEST_VERSION,
                "size": list(size),
                "channels": channels,
                "count": len(labels),
                "class_names": class_names,
                **details,
            }
            labeled = [[zip_image_name(i), label] for i, label in enumerate(labels)]
            table = {"labels": None if None in labels else labeled}
            named = {MANIFEST_FILE: manifest, LABELS_FILE: table, **extras}
            for name, value in named.items():
                info = zipfile.ZipInfo(name, _ZIP_DATE)
                archive.writestr(info, json.dumps(value), zipfile.ZIP_DEFLATED)

    files.write_atomically(out, write)
    return len(labels)


def read_manifest(archive: Archive, images: int | None) -> Manifest | None:
    """The manifest of a training zip; None if there is none that fits, so that images are scanned.

    Args:
        archive: The data.
        images: How many images it holds; a zip that was changed by hand has another number. None
            trusts the manifest.
    """
    if MANIFEST_FILE not in archive.sizes:
        return None
    try:
        content = files.parse_json(archive.read(MANIFEST_FILE))
        height, width = content["size"]
        manifest = Manifest(
            (int(height), int(width)),
            int(content["channels"]),
            int(content["count"]),
            content["class_names"],
            content.get("filter"),
            str(content.get("credit", "")),
        )
    except (ValueError, KeyError, TypeError, OverflowError, DataError):
        return None
    fits = content.get("version") == MANIFEST_VERSION and images in {manifest.count, None}
    return manifest if fits else None
