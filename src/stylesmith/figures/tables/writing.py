"""A filled table as Markdown, CSV or a page of its own."""

import csv
import io
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files as package_files
from pathlib import Path
from string import Template

from stylesmith import files
from stylesmith.errors import UsageError
from stylesmith.figures.tables.sheet import DASH, Cell, Head, Sheet
from stylesmith.presets.published import Value


def check_suffix(path: Path) -> None:
    """Refuse a file that is none of the three kinds.

    Raises:
        UsageError: Naming the kinds.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"--out {path}: wanted a {', '.join(WRITERS)} file")


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write a table as its suffix says.

    Raises:
        UsageError: If the suffix is none of .md, .csv and .html.
        OutputError: If the file cannot be written.
    """
    check_suffix(path)
    files.write_text(path, WRITERS[path.suffix.lower()](sheet))


def markdown(sheet: Sheet) -> str:
    """A heading, the caption, a pipe table, and the notes as a list."""
    titles = [_escape_pipes(_title(head)) for head in sheet.heads]
    rules = ["---" if head.kind == "label" else "---:" for head in sheet.heads]
    rows = [[_escape_pipes(_text(cell)) for cell in row] for row in sheet.rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in [titles, rules, *rows])
    notes = "\n".join(f"- {note}" for note in sheet.notes)
    parts = [f"# {sheet.title}", sheet.caption, table, notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def comma_separated(sheet: Sheet) -> str:
    """Exact numbers for programs; what is not confirmed is said in a column of its own."""
    marked = [position for position, head in enumerate(sheet.heads) if head.kind == "published"]
    heads: list[str] = []
    for position, head in enumerate(sheet.heads):
        heads += [_title(head)] + [f"{head.title}, confirmed"] * (position in marked)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    for row in sheet.rows:
        cells: list[str] = []
        for position, cell in enumerate(row):
            cells += [_exact(cell)] + [_confirmed(cell)] * (position in marked)
        writer.writerow(cells)
    return text.getvalue()


def page(sheet: Sheet) -> str:
    """One HTML file that needs no other, in light and dark."""
    template = package_files("stylesmith.figures.tables").joinpath("page.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=escape(sheet.title),
        caption=escape(sheet.caption),
        heads="".join(map(_heading, sheet.heads)),
        rows="\n".join(f"<tr>{_cells(sheet.heads, row)}</tr>" for row in sheet.rows),
        notes="".join(f"<li>{escape(note)}</li>" for note in sheet.notes),
    )


WRITERS: dict[str, Callable[[Sheet], str]] = {
    ".md": markdown,
    ".csv": comma_separated,
    ".html": page,
}


def _title(head: Head) -> str:
    return head.title if head.kind == "label" else f"{head.title} ({head.kind})"


def _text(cell: Cell) -> str:
    """For people: five digits are as many as a measurement is good for."""
    if cell is None:
        return DASH
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)


def _exact(cell: Cell) -> str:
    if isinstance(cell, Value):
        return cell.digits
    return repr(cell) if isinstance(cell, float) else cell or ""


def _confirmed(cell: Cell) -> str:
    return ("yes" if cell.confirmed else "no") if isinstance(cell, Value) else ""


def _escape_pipes(text: str) -> str:
    return text.replace("|", "\\|")


def _heading(head: Head) -> str:
    kind = "" if head.kind == "label" else f"<small>{head.kind}</small>"
    title = escape(head.title)
    for arrow in "↑↓":  # never alone on a line
        title = title.replace(f" {arrow}", f"&nbsp;{arrow}")
    return f'<th{_class(head)} scope="col">{title}{kind}</th>'


def _cells(heads: Sequence[Head], row: Sequence[Cell]) -> str:
    cells = zip(heads, row, strict=True)
    return "".join(f"<td{_class(head)}>{escape(_text(cell))}</td>" for head, cell in cells)


def _class(head: Head) -> str:
    return "" if head.kind == "label" else f' class="{head.kind}"'
