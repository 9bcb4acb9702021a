"""Binary attributes of images: of avatars, from CelebA's list, or from a CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from stylesmith import files
from stylesmith.data.dataset import Dataset
from stylesmith.errors import DataError, UsageError, suggest_name

ATTRIBUTE_FILE_NAMES = ("attributes.json", "attributes.csv", "list_attr_celeba.txt")
"""Names of attribute files, beside the images."""

FLAG_WORDS = {
    "1": True,
    "0": False,
    "-1": False,
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
}


@dataclass(frozen=True)
class Attributes:
    """Binary attributes of the images of a data set, in its order."""

    names: list[str]
    values: np.ndarray
    """bool `(N, A)`"""

    def select(self, names: Sequence[str]) -> "Attributes":
        """Those of these names, in this order.

        Raises:
            UsageError: If one is not there.
        """
        for name in names:
            if name not in self.names:
                near = suggest_name(name, self.names) or self.names[0]
                raise UsageError(f"attribute {name!r}: not in the list; did you mean {near!r}?")
        return Attributes(list(names), self.values[:, [self.names.index(name) for name in names]])


_AttributeRows = tuple[list[str], dict[str, list[bool]]]
"""Names of the attributes, and their values by image."""


def read_attributes(dataset: Dataset, path: Path | None = None) -> Attributes:
    """The attributes of every image.

    Images are found by name in the list; where folders or suffixes differ, by the name alone,
    such as `000001` of `000001.jpg`.

    Args:
        dataset: The images.
        path: A JSON, CSV or CelebA list; None searches for one beside the images.

    Raises:
        DataError: If there is no list, it is malformed, or it does not fit the images.
    """
    where, content = _read_list(dataset, path)
    suffix = PurePosixPath(where).suffix.lower()
    parse = {".json": _parse_json, ".csv": _parse_csv}.get(suffix, _parse_celeba)
    try:
        names, rows = parse(content)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{where}: is no list of attributes ({error}). Wanted avatars' attributes.json, "
            "CelebA's list_attr_celeba.txt, or a CSV whose first line is image,NAME,NAME,..."
        ) from error
    return Attributes(names, np.array(_match_rows(dataset, where, rows), bool))


def _read_list(dataset: Dataset, path: Path | None) -> tuple[str, str]:
    if path is not None:
        try:
            return str(path), path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read ({error}).") from error
    for name in dataset.archive.sizes:
        if PurePosixPath(name).name in ATTRIBUTE_FILE_NAMES:
            where = f"{dataset.path}: {name}"
            try:
                return where, dataset.archive.read(name).decode("utf-8-sig")
            except (DataError, UnicodeDecodeError) as error:
                raise DataError(f"{where} cannot be read ({error}).") from error
    raise DataError(
        f"{dataset.path}: holds no attributes. Name a list with --attributes: CelebA's "
        "list_attr_celeba.txt, or a CSV; `stylesmith data make avatars` has its own."
    )


def _parse_json(content: str) -> _AttributeRows:
    value = files.parse_json(content)
    rows = zip(value["images"], value["values"], strict=True)
    return _check_rows([str(name) for name in value["names"]], list(rows))


def _parse_csv(content: str) -> _AttributeRows:
    header, *rows = [row for row in csv.reader(io.StringIO(content)) if row]
    names = [name.strip() for name in header[1:]]
    return _check_rows(names, [(row[0], row[1:]) for row in rows])


def _parse_celeba(content: str) -> _AttributeRows:
    count, names, *lines = content.splitlines()
    rows = [(line.split()[0], line.split()[1:]) for line in lines if line.strip()]
    if int(count) != len(rows):
        raise ValueError(f"its first line says {count.strip()} images, there are {len(rows)}")
    return _check_rows(names.split(), rows)


def _check_rows(names: list[str], rows: Sequence[tuple[str, Sequence[object]]]) -> _AttributeRows:
    if not names or not rows:
        raise ValueError("it names no attributes, or no images")
    if len(set(names)) < len(names):
        raise ValueError("an attribute is named twice")
    values: dict[str, list[bool]] = {}
    for image, row in rows:
        if len(row) != len(names):
            raise ValueError(f"{image!r} has {len(row)} values, wanted {len(names)}")
        if image in values:
            raise ValueError(f"{image!r} is listed twice")
        values[image] = [_parse_flag(image, value) for value in row]
    return names, values


def _parse_flag(image: str, value: object) -> bool:
    word = str(int(value) if isinstance(value, bool) else value).strip().lower()
    if word not in FLAG_WORDS:
        raise ValueError(f"{image!r} has the value {value!r}, wanted 1, 0 or -1")
    return FLAG_WORDS[word]


def _match_rows(dataset: Dataset, source: str, table: dict[str, list[bool]]) -> list[list[bool]]:
    """The rows of the data set's images, by the fullest form of their names that fits all."""
    for form in (str, lambda name: PurePosixPath(name).name, lambda name: PurePosixPath(name).stem):
        rows = {form(image): row for image, row in table.items()}
        wanted = [form(name) for name in dataset.names]
        unique = len(rows) == len(table) and len(set(wanted)) == len(wanted)
        if unique and all(name in rows for name in wanted):
            return [rows[name] for name in wanted]
    missing = [name for name in dataset.names if PurePosixPath(name).stem not in rows]
    example = missing[0] if missing else dataset.names[0]
    raise DataError(
        f"{source}: has no attributes for {len(missing) or 'some'} of {len(dataset)} images, "
        f"such as {example!r}; it lists {next(iter(table))!r} and {len(table) - 1} more. "
        "Use the images under the names that they had when the list was made (`data prepare` "
        "renames them; --resolution resizes a folder as it is)."
    )
