"""The tables of both papers: what was published, beside what your own runs reached."""

from stylesmith.figures.tables.catalog import METRIC_TABLES, find_table
from stylesmith.figures.tables.expense import COMPUTE_COST_TABLE, compute_cost_table
from stylesmith.figures.tables.fill import fill_table
from stylesmith.figures.tables.measured import place_measurements
from stylesmith.figures.tables.sheet import FilledTable
from stylesmith.figures.tables.table import MetricTable
from stylesmith.figures.tables.writing import check_table_suffix, to_markdown, write_table

__all__ = [
    "COMPUTE_COST_TABLE",
    "METRIC_TABLES",
    "MetricTable",
    "FilledTable",
    "check_table_suffix",
    "compute_cost_table",
    "fill_table",
    "find_table",
    "to_markdown",
    "place_measurements",
    "write_table",
]
