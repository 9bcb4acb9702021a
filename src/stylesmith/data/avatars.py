"""The built-in data: drawn faces with exact labels and attributes (extra `[avatars]`)."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from stylesmith.callbacks import ProgressCallback
from stylesmith.config import base_grid
from stylesmith.data.avatar_drawing import (
    AVATAR_COLORS,
    HAIR_CLASS_NAMES,
    PART_PROBABILITIES,
    STYLE_NAME,
    VARIANT_WEIGHTS,
    DrawnAvatar,
    avatar_attributes,
    draw_avatars,
    hair_class,
    ignore_interrupt,
    load_style_definition,
)
from stylesmith.data.label_values import Label
from stylesmith.data.parallel import map_ahead, report_progress
from stylesmith.data.training_zip import (
    ATTRIBUTES_FILE,
    check_zip_path,
    write_training_zip,
    zip_image_name,
)
from stylesmith.errors import UsageError

DRAWING_PACKAGES = ("dicebear-core", "dicebear-styles", "resvg_py", "pillow")
"""Packages whose versions decide the drawings."""

_AVATARS_PER_JOB = 50
_MIN_AVATARS_PER_PROCESS = 500
"""Fewer avatars than this are drawn before another process has started."""


@dataclass(frozen=True)
class AvatarSummary:
    """Summary of avatars that were drawn."""

    path: Path
    count: int
    size: tuple[int, int]
    class_names: list[str]
    attribute_names: list[str]
    license: str


def make_avatars(
    out: Path | str,
    *,
    count: int,
    size: int,
    seed: int = 0,
    force: bool = False,
    workers: int | None = None,
    on_progress: ProgressCallback | None = None,
) -> AvatarSummary:
    """Draw avatars of Pablo Stanley's style Avataaars into a training zip.

    Image i is a function of (seed, i), whatever the count. Classes are the hair colors;
    `attributes.json` holds binary attributes and every option that was chosen.

    Args:
        out: The zip.
        count: How many.
        size: Height and width in pixels.
        seed: Other seeds give other faces.
        force: Replace `out` if it exists.
        workers: Processes that draw; None is one per core, or none where it does not pay.
        on_progress: Called with the number of images done, and of all.

    Raises:
        UsageError: If the extra packages are missing, or `count` is less than 1.
        ConfigError: If no network has this size.
        OutputError: If `out` exists or cannot be written.
    """
    out = Path(out)
    if count < 1:
        raise UsageError(f"--count {count}: wanted at least 1")
    base_grid(size, size)
    check_zip_path(out, force=force)
    meta = load_style_definition()["meta"]
    table: dict[str, Any] = {"version": 1, "names": [], "images": [], "values": [], "options": []}
    write_training_zip(
        out,
        _labeled_images(_draw_all(seed, count, size, workers), table, count, on_progress),
        size=(size, size),
        channels=3,
        class_names=HAIR_CLASS_NAMES,
        details={
            "source": f"stylesmith data make avatars, DiceBear style {STYLE_NAME}",
            "style": STYLE_NAME,
            "author": meta["creator"]["name"],
            "license": meta["license"],
            "credit": meta["license"]["text"],
            "seed": seed,
            "weights": VARIANT_WEIGHTS,
            "probabilities": PART_PROBABILITIES,
            "colors": AVATAR_COLORS,
            "packages": {name: version(name) for name in DRAWING_PACKAGES},
            "filter": "box",
            "crop": "none",
            "skipped": [],
        },
        extras={ATTRIBUTES_FILE: table},
    )
    return AvatarSummary(
        out, count, (size, size), HAIR_CLASS_NAMES, table["names"], meta["license"]["text"]
    )


def _labeled_images(
    drawn: Iterator[DrawnAvatar],
    table: dict[str, Any],
    count: int,
    on_progress: ProgressCallback | None,
) -> Iterator[tuple[bytes, Label | None]]:
    """Images with their labels; `table` is filled with the content of `attributes.json`."""
    for index, (content, options) in enumerate(drawn):
        attributes = avatar_attributes(options)
        table["names"] = list(attributes)
        table["images"].append(zip_image_name(index))
        table["values"].append([int(value) for value in attributes.values()])
        table["options"].append(options)
        yield content, hair_class(options)
        report_progress(on_progress, index + 1, count)


def _draw_all(seed: int, count: int, size: int, workers: int | None) -> Iterator[DrawnAvatar]:
    jobs = [
        (seed, range(start, min(start + _AVATARS_PER_JOB, count)), size)
        for start in range(0, count, _AVATARS_PER_JOB)
    ]
    if workers is None:
        workers = min(os.cpu_count() or 1, count // _MIN_AVATARS_PER_PROCESS)
    if workers < 2:
        for job in jobs:
            yield from draw_avatars(job)
        return
    # Fresh processes: a fork would copy the threads of torch and of the progress bar half-way.
    with ProcessPoolExecutor(workers, get_context("spawn"), ignore_interrupt) as pool:
        for drawn in map_ahead(pool, draw_avatars, jobs, ahead=2 * workers):
            yield from drawn
