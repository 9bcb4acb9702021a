"""Labels of images: from `dataset.json`, else from the subfolders they lie in.

`dataset.json` is `{"labels": [["a.png", 3], ...]}`: whole numbers are classes and become one-hot,
lists of numbers are taken as they are (such as several attributes); null means no labels.
"""

import json
import posixpath
import re
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from stylesmith import files
from stylesmith.data.archive import Archive
from stylesmith.data.file_names import natural_key, plain_path, printable_name
from stylesmith.data.label_values import MAX_CLASSES, Labels
from stylesmith.errors import DataError

LABELS_FILE = "dataset.json"


def common_folder(names: Sequence[str]) -> str:
    """The folders, with a `/` at the end, that all names lie in; empty if there are none."""
    shared = posixpath.commonprefix([f"{posixpath.dirname(name)}/".lstrip("/") for name in names])
    return shared[: shared.rfind("/") + 1]


def read_labels(
    archive: Archive,
    images: Sequence[str],
    *,
    left_out: Sequence[str] = (),
    class_names: list[str] | None = None,
    natural_order: bool = True,
) -> Labels | None:
    """Find the labels of `images`; None where the data has none.

    Args:
        archive: Where the images lie.
        images: Names, sorted; each needs a label.
        left_out: Names of bad images, which may be labeled but need not.
        class_names: Names of the classes, from a manifest.
        natural_order: Number class folders with `2` before `10`; else in the order of the alphabet.

    Raises:
        DataError: If `dataset.json` is malformed, or does not fit the images.
    """
    top = common_folder([*images, *left_out])
    parts = top.split("/")
    for depth in range(len(parts)):  # beside the images, or at the root
        prefix = "".join(f"{part}/" for part in parts[:depth])
        if prefix + LABELS_FILE in archive.sizes:
            return _read_labels_file(archive, prefix, images, left_out, class_names)
    return (
        None
        if has_numbered_folders(images)
        else labels_from_folders(images, top, natural_order=natural_order)
    )


def _read_labels_file(
    archive: Archive,
    prefix: str,
    images: Sequence[str],
    left_out: Sequence[str],
    class_names: list[str] | None,
) -> Labels | None:
    where = f"{archive.path}: {prefix}{LABELS_FILE}"
    pairs = _parse_labels_file(archive, prefix + LABELS_FILE, where)
    if pairs is None:
        return None
    table: dict[str, Any] = {prefix + plain_path(name): label for name, label in pairs}
    if len(table) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise DataError(f"{where} labels {twice!r} twice. Keep one of the two.")
    _check_names(where, table.keys(), images, left_out)
    values = [table[name] for name in images]
    if all(type(value) is int for value in values):
        return _class_labels(where, values, class_names)
    return _vector_labels(where, images, values)


def _parse_labels_file(archive: Archive, name: str, where: str) -> list[list[Any]] | None:
    try:
        content = files.parse_json(archive.read(name))
    except (ValueError, DataError) as error:
        raise DataError(f"{where} is not valid JSON ({error}). Repair or remove it.") from error
    wanted = 'wanted {"labels": [["image.png", 3], ...]} or {"labels": null}'
    if not isinstance(content, dict) or "labels" not in content:
        raise DataError(f'{where} has no "labels"; {wanted}.')
    pairs = content["labels"]
    if pairs is None:
        return None
    if not isinstance(pairs, list):
        raise DataError(f'{where}: "labels" is {_abbreviate(pairs)}; {wanted}.')
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise DataError(f"{where} holds the entry {_abbreviate(pair)}; {wanted}.")
    return pairs


def _check_names(
    where: str, labeled: Set[str], images: Sequence[str], left_out: Sequence[str]
) -> None:
    missing = [name for name in images if name not in labeled]
    if missing:
        raise DataError(
            f"{where} has no label for {len(missing)} of {len(images)} images, "
            f"such as {missing[0]!r}. Label all of them, or remove the file to go without labels."
        )
    unknown = sorted(labeled - set(images) - set(left_out))
    if unknown:
        raise DataError(
            f"{where} labels {len(unknown)} files that are not there, such as {unknown[0]!r}. "
            "Remove these lines or add the images."
        )


def _class_labels(where: str, values: list[int], class_names: list[str] | None) -> Labels:
    if min(values) < 0:
        raise DataError(f"{where} holds the label {min(values)}; classes count from 0.")
    size = max(values) + 1
    if size > MAX_CLASSES:
        raise DataError(
            f"{where} holds the label {max(values)}; classes count from 0 to {MAX_CLASSES - 1}. "
            "Number them anew without gaps."
        )
    if class_names is None or len(class_names) < size:
        return Labels(size, np.array(values, np.int64))
    # A part of the data may lack the last classes.
    return Labels(len(class_names), np.array(values, np.int64), class_names)


def _vector_labels(where: str, images: Sequence[str], values: list[Any]) -> Labels:
    lengths = set()
    for name, value in zip(images, values, strict=True):
        if not isinstance(value, list) or not value or not all(map(_is_finite, value)):
            raise DataError(
                f"{where} gives {name!r} the label {_abbreviate(value)}; wanted a whole number for "
                "all images, or a list of numbers for all."
            )
        lengths.add(len(value))
    if len(lengths) > 1:
        raise DataError(f"{where} holds lists of lengths {sorted(lengths)}; all must be equal.")
    return Labels(lengths.pop(), np.array(values, np.float32))


def labels_from_folders(
    images: Sequence[str], top: str, *, natural_order: bool = True
) -> Labels | None:
    """Classes by the folders below `top`, if every image lies in one and there are several.

    Args:
        images: Names of the images.
        top: Folder, with a `/` at its end, below which classes are looked for; may be empty.
        natural_order: Number classes with `2` before `10`; else in the order of the alphabet.
    """
    paths = [name.removeprefix(top).split("/") for name in images]
    if any(len(path) < 2 for path in paths):
        return None
    folders = sorted({path[0] for path in paths}, key=natural_key if natural_order else None)
    if len(folders) < 2:
        return None
    number = {name: i for i, name in enumerate(folders)}
    values = np.array([number[path[0]] for path in paths], np.int64)
    return Labels(len(folders), values, [printable_name(name) for name in folders])


def has_numbered_folders(images: Sequence[str]) -> bool:
    """Whether the folders only split a long list, as `00012/img00012345.png` does."""
    return all(re.search(r"(^|/)\d{5}/img\d{8}\.[a-z]+$", name) for name in images)


def _is_finite(number: Any) -> bool:
    return type(number) in {int, float} and abs(number) < 3e38  # what float32 can hold


def _abbreviate(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
