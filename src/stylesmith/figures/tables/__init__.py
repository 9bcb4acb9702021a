"""The tables of both papers: what was published, beside what your own runs reached."""

from stylesmith.figures.tables.compute_cost import compute_cost_table
from stylesmith.figures.tables.measurements import fill_table, place_measurements
from stylesmith.figures.tables.metric_tables import (
    COMPUTE_COST_TABLE,
    METRIC_TABLES,
    TABLES,
    MetricTable,
    find_table,
)
from stylesmith.figures.tables.table_output import (
    FilledTable,
    check_table_suffix,
    to_markdown,
    write_table,
)

__all__ = [
    "COMPUTE_COST_TABLE",
    "METRIC_TABLES",
    "TABLES",
    "FilledTable",
    "MetricTable",
    "check_table_suffix",
    "compute_cost_table",
    "fill_table",
    "find_table",
    "place_measurements",
    "to_markdown",
    "write_table",
]
