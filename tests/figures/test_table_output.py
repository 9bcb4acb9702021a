"""Markdown, CSV and HTML hold the same table."""

import csv
import io
from html.parser import HTMLParser

import pytest

from stylesmith.errors import UsageError
from stylesmith.figures.tables.table_output import (
    NO_VALUE,
    ColumnHeader,
    FilledTable,
    to_csv,
    to_html,
    to_markdown,
    write_table,
)
from stylesmith.presets.published_results import PublishedValue

HEADS = (
    ColumnHeader("row"),
    ColumnHeader("FID ↓", "published"),
    ColumnHeader("fd_random_5k", "measured"),
)
ROWS = (
    ("a | <b>, c", PublishedValue.parse("~4.40"), 1 / 3),
    ("b", PublishedValue.parse("2.84"), None),
    ("c", None, 1234.5678),
)
TABLE = FilledTable("Title & more", "A caption.", HEADS, ROWS, ["~ is <recalled>."])


class Cells(HTMLParser):
    """Texts of all cells, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and self.get_starttag_text() not in (None, "<ul>"):
            self.rows[-1][-1] += data


def test_markdown_reads_back():
    lines = [line for line in to_markdown(TABLE).splitlines() if line.startswith("|")]
    heads, rule, *rows = [
        [cell.strip() for cell in line.replace("\\|", "\0").strip("|").split("|")] for line in lines
    ]
    assert heads == ["row", "FID ↓ (published)", "fd_random_5k (measured)"]
    assert rule == ["---", "---:", "---:"]
    assert [row[0].replace("\0", "|") for row in rows] == [row[0] for row in ROWS]
    assert [row[1] for row in rows] == ["~4.40", "2.84", NO_VALUE]
    assert float(rows[0][2]) == pytest.approx(1 / 3, rel=5e-5)
    assert rows[1][2] == NO_VALUE and float(rows[2][2]) == pytest.approx(1234.5678, rel=5e-5)


def test_markdown_has_title_caption_and_notes():
    assert to_markdown(TABLE).startswith("# Title & more\n\nA caption.\n\n| row |")
    assert to_markdown(TABLE).endswith("|\n\n- ~ is <recalled>.\n")


def test_csv_holds_exact_numbers_and_says_what_is_confirmed():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert [row["row"] for row in rows] == [row[0] for row in ROWS]
    assert [row["FID ↓ (published)"] for row in rows] == ["4.40", "2.84", ""]
    assert [row["FID ↓, confirmed"] for row in rows] == ["no", "yes", ""]
    measured = [row["fd_random_5k (measured)"] for row in rows]
    assert measured[1] == "" and float(measured[0]) == 1 / 3 and float(measured[2]) == 1234.5678


def test_a_page_holds_every_cell_and_nothing_from_elsewhere():
    text = to_html(TABLE)
    cells = Cells()
    cells.feed(text.split("</table>")[0])
    stripped = [[cell.strip().replace("\xa0", " ") for cell in row] for row in cells.rows]
    assert stripped[0] == ["row", "FID ↓published", "fd_random_5kmeasured"]
    assert stripped[1:] == [
        ["a | <b>, c", "~4.40", "0.33333"],
        ["b", "2.84", NO_VALUE],
        ["c", NO_VALUE, "1234.6"],
    ]
    assert "<li>~ is &lt;recalled&gt;.</li>" in text and "<title>Title &amp; more</title>" in text
    assert "prefers-color-scheme: dark" in text
    assert "src=" not in text and "href=" not in text and "<script" not in text


@pytest.mark.parametrize(("suffix", "form"), [(".md", to_markdown), (".HTML", to_html)])
def test_the_suffix_chooses_the_form(tmp_path, suffix, form):
    path = tmp_path / f"new/table{suffix}"
    write_table(TABLE, path)
    assert path.read_text() == form(TABLE)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"table.pdf: wanted a .md, .csv, .html file"):
        write_table(TABLE, tmp_path / "table.pdf")
