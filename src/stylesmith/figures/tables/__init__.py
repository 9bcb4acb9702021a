"""The tables of both papers: what was published, beside what your own runs reached."""

from stylesmith.figures.tables.catalog import METRIC_TABLES, find_table
from stylesmith.figures.tables.expense import EXPENSE, expense_sheet
from stylesmith.figures.tables.fill import fill
from stylesmith.figures.tables.measured import place
from stylesmith.figures.tables.sheet import Sheet
from stylesmith.figures.tables.table import MetricTable
from stylesmith.figures.tables.writing import check_suffix, markdown, write_sheet

__all__ = [
    "EXPENSE",
    "METRIC_TABLES",
    "MetricTable",
    "Sheet",
    "check_suffix",
    "expense_sheet",
    "fill",
    "find_table",
    "markdown",
    "place",
    "write_sheet",
]
