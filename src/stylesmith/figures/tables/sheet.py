"""A filled table, before it becomes Markdown, CSV or HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stylesmith.presets.published import PublishedValue

NO_VALUE = "\N{EN DASH}"
"""What people see where there is nothing."""

TableCell = str | float | PublishedValue | None
"""Words, a measured number, a published one, or nothing."""


@dataclass(frozen=True)
class ColumnHeader:
    """What stands above a column."""

    title: str
    kind: Literal["label", "published", "measured", "computed"] = "label"


@dataclass(frozen=True)
class FilledTable:
    """A table with its caption and what must be said of its numbers."""

    title: str
    caption: str
    heads: Sequence[ColumnHeader]
    rows: Sequence[Sequence[TableCell]]
    notes: Sequence[str] = ()
