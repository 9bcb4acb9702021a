"""A filled table, and its forms as Markdown, CSV and HTML."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files as package_files
from itertools import chain
from pathlib import Path
from string import Template
from typing import Literal

from stylesmith import files
from stylesmith.errors import UsageError
from stylesmith.presets.published_results import PublishedValue

NO_VALUE = "\N{EN DASH}"
"""What people see where there is nothing."""

TableCell = str | float | PublishedValue | None
"""Text, a measured number, a published one, or nothing."""


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


def check_table_suffix(path: Path) -> None:
    """Refuse a file that is none of the three kinds.

    Raises:
        UsageError: Naming the kinds.
    """
    if path.suffix.lower() not in TABLE_WRITERS:
        raise UsageError(f"--out {path}: wanted a {', '.join(TABLE_WRITERS)} file")


def write_table(table: FilledTable, path: Path) -> None:
    """Write a table as its suffix says.

    Raises:
        UsageError: If the suffix is none of .md, .csv and .html.
        OutputError: If the file cannot be written.
    """
    check_table_suffix(path)
    files.write_text(path, TABLE_WRITERS[path.suffix.lower()](table))


def to_markdown(table: FilledTable) -> str:
    """A heading, the caption, a pipe table, and the notes as a list."""
    titles = [_escape_pipes(_header_text(head)) for head in table.heads]
    rules = ["---" if head.kind == "label" else "---:" for head in table.heads]
    rows = [[_escape_pipes(_cell_text(cell)) for cell in row] for row in table.rows]
    lines = "\n".join(f"| {' | '.join(cells)} |" for cells in [titles, rules, *rows])
    notes = "\n".join(f"- {note}" for note in table.notes)
    parts = [f"# {table.title}", table.caption, lines, notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_csv(table: FilledTable) -> str:
    """Exact numbers for programs; what is not confirmed is said in a column of its own."""
    marked = [position for position, head in enumerate(table.heads) if head.kind == "published"]
    heads = [(_header_text(head), f"{head.title}, confirmed") for head in table.heads]
    rows = [[(_exact_cell(cell), _confirmed_cell(cell)) for cell in row] for row in table.rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in [heads, *rows]:
        pairs = enumerate(row)
        writer.writerow(chain.from_iterable(pair[: 1 + (i in marked)] for i, pair in pairs))
    return text.getvalue()


def to_html(table: FilledTable) -> str:
    """One HTML file that needs no other, in light and dark."""
    template = package_files("stylesmith.figures.tables").joinpath("page.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=escape(table.title),
        caption=escape(table.caption),
        heads="".join(map(_html_header, table.heads)),
        rows="\n".join(f"<tr>{_html_cells(table.heads, row)}</tr>" for row in table.rows),
        notes="".join(f"<li>{escape(note)}</li>" for note in table.notes),
    )


TABLE_WRITERS: dict[str, Callable[[FilledTable], str]] = {
    ".md": to_markdown,
    ".csv": to_csv,
    ".html": to_html,
}


def _header_text(head: ColumnHeader) -> str:
    return head.title if head.kind == "label" else f"{head.title} ({head.kind})"


def _cell_text(cell: TableCell) -> str:
    """For people: five digits are as many as a measurement is good for."""
    if cell is None:
        return NO_VALUE
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)


def _exact_cell(cell: TableCell) -> str:
    if isinstance(cell, PublishedValue):
        return cell.digits
    return repr(cell) if isinstance(cell, float) else cell or ""


def _confirmed_cell(cell: TableCell) -> str:
    return ("yes" if cell.confirmed else "no") if isinstance(cell, PublishedValue) else ""


def _escape_pipes(text: str) -> str:
    return text.replace("|", "\\|")


def _html_header(head: ColumnHeader) -> str:
    kind = "" if head.kind == "label" else f"<small>{head.kind}</small>"
    title = escape(head.title)
    for arrow in "↑↓":  # never alone on a line
        title = title.replace(f" {arrow}", f"&nbsp;{arrow}")
    return f'<th{_css_class(head)} scope="col">{title}{kind}</th>'


def _html_cells(heads: Sequence[ColumnHeader], row: Sequence[TableCell]) -> str:
    cells = zip(heads, row, strict=True)
    return "".join(f"<td{_css_class(head)}>{escape(_cell_text(cell))}</td>" for head, cell in cells)


def _css_class(head: ColumnHeader) -> str:
    return "" if head.kind == "label" else f' class="{head.kind}"'
