"""Labels from tables: CSV, TSV and JSON files, and CelebA's lists of attributes.

The first column names the images, with or without folder and suffix. One more column holds classes:
whole numbers, or words, which are numbered in their order. Several columns hold a number each, such
as attributes of 0 and 1, -1 and 1, or true and false.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from stylesmith import files
from stylesmith.data.file_names import natural_key, plain_path
from stylesmith.data.label_values import Labels, labels_from_array
from stylesmith.errors import DataError

KNOWN_TABLES = (
    "list_attr_celeba.txt",
    "list_attr_celeba.csv",
    "CelebAMask-HQ-attribute-anno.txt",
)
"""Tables of published data sets that are taken without being named."""

_WANTED = (
    "Wanted a CSV or TSV whose first line names the columns and whose first column names the "
    'images, JSON as {"a.png": 3}, or a list of attributes as CelebA\'s.'
)


@dataclass(frozen=True)
class LabelTable:
    """Rows of a table by the names of images."""

    columns: list[str]
    """Names of the columns after the first."""
    rows: dict[str, list[str]]


def split_column(text: str) -> tuple[Path, list[str]]:
    """The file and the columns of `FILE` or `FILE:COLUMN,COLUMN`."""
    file, colon, columns = text.rpartition(":")
    if not colon or Path(text).exists() or len(file) < 2:  # `C:` is a drive
        return Path(text), []
    return Path(file), [name.strip() for name in columns.split(",")]


def read_table_labels(
    content: bytes, where: str, columns: Sequence[str], images: Sequence[str]
) -> Labels:
    """The labels of `images` in a table; rows of other images are passed over.

    Args:
        content: The file.
        where: Its name, for messages.
        columns: The columns to take; none takes all.
        images: Names of the images.

    Raises:
        DataError: If it is no table, a column is missing, or an image has no row.
    """
    try:
        table = _parse_table(content.decode("utf-8-sig"))
    except (ValueError, TypeError, IndexError, csv.Error) as error:
        raise DataError(f"{where}: is no table of labels ({error}). {_WANTED}") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        listed = ", ".join(table.columns[:10]) + (", ..." if len(table.columns) > 10 else "")
        raise DataError(f"{where}: has no column {missing[0]!r}; its columns are: {listed}.")
    numbers = [table.columns.index(name) for name in columns] or range(len(table.columns))
    rows = _match_rows(table.rows, where, images)
    chosen = [[row[number] for number in numbers] for row in rows]
    names = [table.columns[number] for number in numbers]
    if len(names) == 1:
        return _class_labels([row[0] for row in chosen], where)
    return Labels(len(names), _vectors(chosen, where, images, names))


def _parse_table(text: str) -> LabelTable:
    if text.lstrip().startswith(("{", "[")):
        return _parse_json(text)
    lines = text.splitlines()
    if re.fullmatch(r"\s*\d+\s*", lines[0]):
        return _parse_celeba(lines)
    delimiter = next((mark for mark in "\t,;" if mark in lines[0]), ",")
    header, *rows = list(csv.reader(lines, delimiter=delimiter))
    if len(header) < 2:
        raise ValueError("its first line names fewer than two columns")
    return _make_table(header[1:], [(row[0], row[1:]) for row in rows if row])


def _parse_celeba(lines: Sequence[str]) -> LabelTable:
    """A count, the names of the attributes, then rows of a name and numbers."""
    split = (line.split() for line in lines[2:])
    return _make_table(lines[1].split(), [(row[0], row[1:]) for row in split if row])


def _parse_json(text: str) -> LabelTable:
    value: Any = files.parse_json(text)
    if isinstance(value, dict) and isinstance(value.get("labels"), (list, dict)):
        value = value["labels"]
    pairs = list(value.items()) if isinstance(value, dict) else [tuple(row) for row in value]
    rows = [
        (str(name), [_as_text(one) for one in (label if isinstance(label, list) else [label])])
        for name, label in pairs
    ]
    if not rows:
        raise ValueError("it is empty")
    width = len(rows[0][1])
    return _make_table([str(number) for number in range(width)], rows)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _make_table(columns: Sequence[str], rows: Sequence[tuple[str, list[str]]]) -> LabelTable:
    for name, values in rows:
        if len(values) != len(columns):
            raise ValueError(f"the row of {name!r} has {len(values)} values for {len(columns)}")
    twice = Counter(name for name, _ in rows).most_common(1)
    if twice and twice[0][1] > 1:
        raise ValueError(f"it has two rows of {twice[0][0]!r}")
    by_name = {plain_path(name.strip()): [one.strip() for one in row] for name, row in rows}
    return LabelTable([name.strip() for name in columns], by_name)


def _match_rows(
    rows: Mapping[str, list[str]], where: str, images: Sequence[str]
) -> list[list[str]]:
    """The row of each image: by its whole name, by its end, or without the suffix."""
    stems = {str(PurePosixPath(key).with_suffix("")): key for key in rows}
    rows = {stem: rows[key] for stem, key in stems.items()} | dict(rows)
    found, missing = [], []
    used: dict[str, str] = {}
    for name in images:
        key = next((key for key in _keys(name) if key in rows), None)
        if key is None:
            missing.append(name)
            continue
        if used.setdefault(key, name) != name:
            raise DataError(
                f"{where}: the row {key!r} fits {used[key]!r} and {name!r}. Write the folders of "
                "the images into the table too."
            )
        found.append(rows[key])
    if missing:
        raise DataError(
            f"{where}: has no row for {len(missing)} of {len(images)} images, such as "
            f"{missing[0]!r}. Add rows, or go without labels: --labels none."
        )
    return found


def _keys(name: str) -> list[str]:
    parts = PurePosixPath(name).parts
    ends = ["/".join(parts[i:]) for i in range(len(parts))]
    return [*ends, *(str(PurePosixPath(end).with_suffix("")) for end in ends)]


def _class_labels(words: Sequence[str], where: str) -> Labels:
    numbers = [_number(word) for word in words]
    known = [number for number in numbers if number is not None]
    if len(known) < len(words):
        names = sorted(set(words), key=natural_key)
        order = {name: number for number, name in enumerate(names)}
        return Labels(len(names), np.array([order[word] for word in words], np.int64), names)
    try:
        values = np.array([0 if number == -1 else number for number in known])
        return labels_from_array(values)
    except ValueError as error:
        raise DataError(f"{where}: {error}.") from error


def _vectors(
    rows: Sequence[Sequence[str]], where: str, images: Sequence[str], columns: Sequence[str]
) -> np.ndarray:
    """The numbers of all rows, float32 `(N, L)`; columns of -1 and 1 become 0 and 1."""
    for name, row in zip(images, rows, strict=True):
        for column, word in zip(columns, row, strict=True):
            if _number(word) is None:
                raise DataError(
                    f"{where}: {column} of {name!r} is {word!r}; wanted a number. Choose one "
                    f"column for classes: --labels FILE:{column}."
                )
    values = np.array([[_number(word) for word in row] for row in rows], np.float32)
    is_sign = (np.abs(values) == 1).all(axis=0)
    return np.where(is_sign & (values == -1), 0, values).astype(np.float32)


def _number(word: str) -> float | None:
    if word.lower() in {"true", "false"}:
        return float(word.lower() == "true")
    try:
        number = float(word)
    except ValueError:
        return None
    return number if abs(number) < 3e38 else None
