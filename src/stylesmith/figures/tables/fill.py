"""Measured numbers beside the published ones."""

import re
from collections.abc import Iterator, Mapping, Sequence

from stylesmith.figures.tables.measured import SourceMeasurements
from stylesmith.figures.tables.sheet import NO_VALUE, ColumnHeader, FilledTable, TableCell
from stylesmith.figures.tables.table import MetricColumn, MetricTable, TableRow
from stylesmith.metrics.protocol import PUBLISHED_NAMES, Metric
from stylesmith.presets.published import RECALLED_MARK

MeasurementsByRow = Mapping[str, Sequence[SourceMeasurements]]
"""What was measured, by name of the row."""

UNCONFIRMED_NOTE = f"{RECALLED_MARK} marks published numbers that no second source confirms."
UNMEASURED_NOTE = (
    f"{NO_VALUE} stands where nothing was measured, or where the paper's number is not known."
)


def fill_table(
    table: MetricTable, placed: MeasurementsByRow, notes: Sequence[str] = ()
) -> FilledTable:
    """Every row of a table; a measured column for each metric that sources have, by its own name.

    Args:
        table: What the paper printed.
        placed: See `measured.place`.
        notes: What else is to be said.
    """
    heads = [ColumnHeader("row"), *map(ColumnHeader, table.labels)]
    columns = []
    for position, column in enumerate(table.columns):
        names = _measured_names(table, column, placed)
        heads.append(ColumnHeader(column.heading, "published"))
        heads += [ColumnHeader(name, "measured") for name in names]
        columns.append((position, column, names))
    rows = []
    for row in table.rows:
        cells: list[TableCell] = [row.name, *row.labels]
        for position, column, names in columns:
            numbers = {
                _metric_label(column, metric): value
                for metric, value in _column_values(row, column, placed)
            }
            cells += [row.published[position], *map(numbers.get, names)]
        rows.append(cells)
    said = [*_general_notes(table, rows), *_metric_notes(table, placed), *notes]
    return FilledTable(
        table.title, table.caption, heads, rows, [*said, *_source_notes(table, placed)]
    )


def _column_values(
    row: TableRow, column: MetricColumn, placed: MeasurementsByRow
) -> Iterator[tuple[Metric, float]]:
    """What belongs into a column of a row."""
    for measured in placed.get(row.name, ()):
        for (metric, part), value in measured.scores.items():
            if column.accepts(metric, part, row.space):
                yield metric, value


def _measured_names(
    table: MetricTable, column: MetricColumn, placed: MeasurementsByRow
) -> list[str]:
    """Metrics that sources have for a column, the paper's first; where there is none, the paper's.

    Parts follow in words, as in `pr50k3 precision`.
    """
    paper = _metric_label(column, column.measured_by("w")[0])
    found = [
        _metric_label(column, metric)
        for row in table.rows
        for metric, _ in _column_values(row, column, placed)
    ]
    return sorted(set(found), key=lambda name: (name != paper, found.index(name))) or [paper]


def _metric_label(column: MetricColumn, metric: Metric) -> str:
    """The exact name, with its part; without the space where the row names that."""
    name = f"{metric.name} {column.part}" if column.part else metric.name
    return re.sub(r"_[zw](full|end)", r"_\1", name) if column.by_latent_space else name


def _general_notes(table: MetricTable, rows: Sequence[Sequence[TableCell]]) -> Iterator[str]:
    cells = [cell for row in rows for cell in row]
    if any(str(cell).startswith(RECALLED_MARK) for cell in cells if cell is not None):
        yield UNCONFIRMED_NOTE
    if None in cells:
        yield UNMEASURED_NOTE
    yield from table.notes


def _metric_notes(table: MetricTable, placed: MeasurementsByRow) -> Iterator[str]:
    """Where a measured metric is not the paper's, and so compares between rows only."""
    said = set()
    for row in table.rows:
        for column in table.columns:
            wanted, _ = column.measured_by(row.space)
            for metric, _ in _column_values(row, column, placed):
                name = _metric_label(column, metric)
                if metric.name != wanted.name and name not in said:
                    said.add(name)
                    yield f"{name} {_describe_difference(metric, wanted, column)}"


def _describe_difference(metric: Metric, wanted: Metric, column: MetricColumn) -> str:
    theirs = PUBLISHED_NAMES[metric.family][1]
    if metric.network != theirs:
        return (
            f"is not the paper's {column.title}: {metric.network} looks at the images, not "
            f"{theirs}. It compares rows with one another, not with the paper."
        )
    if metric.count != wanted.count:
        return f"is from {metric.count:,} samples, the paper's {wanted.name} from {wanted.count:,}."
    return f"is measured otherwise than the paper's {wanted.name}."


def _source_notes(table: MetricTable, placed: MeasurementsByRow) -> Iterator[str]:
    """Where each row comes from, and which snapshot was chosen."""
    every = [(row, measured) for row in table.rows for measured in placed.get(row.name, ())]
    chosen = dict.fromkeys(each.chosen_by.name for _, each in every if each.snapshot_count > 1)
    if chosen:
        yield (
            f"Of each run the snapshot with the best {' or '.join(chosen)} is shown, as in "
            "StyleGAN2, Table 1."
        )
    for row, measured in every:
        when = "" if measured.images_seen is None else f", after {measured.images_seen:,} images"
        of = f" (best of {measured.snapshot_count})" if measured.snapshot_count > 1 else ""
        yield f"{row.name}: {measured.path}, on {measured.data}{when}{of}."
    said: dict[str, dict[str, None]] = {}
    for row, measured in every:
        for note in measured.notes:
            said.setdefault(note, {})[row.name] = None
    for note, rows in said.items():
        yield f"{', '.join(rows)}: {note}"
