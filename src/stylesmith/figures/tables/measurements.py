"""Measured metrics from run folders and metric files, beside the published numbers of a table."""

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesmith import files
from stylesmith.errors import ModelError, StylesmithError, UsageError, suggest_name
from stylesmith.figures.tables.metric_tables import (
    METRIC_TABLES,
    MetricColumn,
    MetricTable,
    TableRow,
)
from stylesmith.figures.tables.table_output import NO_VALUE, ColumnHeader, FilledTable, TableCell
from stylesmith.formatting import format_image_size
from stylesmith.metrics.protocol import PUBLISHED_NAMES, Metric, parse_metric
from stylesmith.models import RunFolder
from stylesmith.presets.published_results import RECALLED_MARK
from stylesmith.runs.evaluators import LARGER_IS_BETTER
from stylesmith.training.log import read_log
from stylesmith.training.run_history import RunHistory, finite_number

MetricScores = Mapping[tuple[Metric, str | None], float]
"""By metric and its part."""


@dataclass(frozen=True)
class MeasuredSnapshot:
    """One state of a network, as it was measured."""

    scores: MetricScores
    images_seen: int | None = None


@dataclass(frozen=True)
class SourceMeasurements:
    """What one source says: the best of its snapshots."""

    path: Path
    scores: MetricScores
    images_seen: int | None
    snapshot_count: int
    """Snapshots that were measured."""
    chosen_by: Metric
    data: str
    """Of which images, in words."""
    preset: str | None
    """Of the run; None where that cannot be told."""
    notes: tuple[str, ...] = ()
    """Why numbers may mislead, as the measurement itself says."""


def place_measurements(
    table: MetricTable, sources: Sequence[str]
) -> dict[str, list[SourceMeasurements]]:
    """What was measured, by name of the row.

    Args:
        table: Whose rows are meant.
        sources: Paths, or `ROW=PATH`.

    Raises:
        UsageError: If a source belongs to no row, or two measure the same of one row.
        ModelError: If one cannot be read, or holds no metrics.
    """
    found: dict[str, list[SourceMeasurements]] = {}
    for text in sources:
        name, path = _split_source(table, text)
        measured = read_measurements(path)
        rows = [row for row in table.rows if row.name == name] or _matching_rows(table, measured)
        for row in rows:
            _refuse_duplicates(row, found.setdefault(row.name, []), measured)
            found[row.name].append(measured)
    return found


def read_measurements(path: Path) -> SourceMeasurements:
    """The best snapshot of a run, by its log, or of a file of metrics.

    Raises:
        ModelError: If it is neither, is damaged, or holds no metrics.
    """
    if path.is_dir():
        return _read_run(path)
    if path.is_file():
        return _read_metric_file(path)
    raise ModelError(
        f"{path}: not there; wanted a run folder, or a file that `stylesmith evaluate --out` wrote"
    )


def best_snapshot(snapshots: Sequence[MeasuredSnapshot]) -> tuple[MeasuredSnapshot, Metric]:
    """The snapshot with the lowest Fréchet distance, else the best first metric; and by which.

    Source: StyleGAN2, Table 1.
    """
    measured = [key for snapshot in snapshots for key in snapshot.scores]
    plain = [key for key in measured if key[0].family == "fd" and key[0].mixed_latents == 1]
    key = (plain or measured)[0]
    sign = -1 if key[0].family in LARGER_IS_BETTER else 1
    known = [snapshot for snapshot in snapshots if key in snapshot.scores]
    return min(known, key=lambda snapshot: sign * snapshot.scores[key]), key[0]


def _split_source(table: MetricTable, text: str) -> tuple[str | None, Path]:
    """A source's row, if it names one, and its path, which may hold `=` itself."""
    name, joint, path = text.partition("=")
    names = [row.name for row in table.rows]
    if not joint or (name not in names and Path(text).exists()):
        return None, Path(text)
    if name not in names:
        nearest = suggest_name(name, names, cutoff=0)
        raise UsageError(f"{text}: {table.id} has no row {name!r}; did you mean {nearest}?")
    return name, Path(path)


def _matching_rows(table: MetricTable, measured: SourceMeasurements) -> list[TableRow]:
    preset, path = measured.preset, measured.path
    if preset is None:
        raise UsageError(
            f"{path}: measures a model of unknown configuration; say which row it is, as in "
            f"{table.rows[0].name}={path}"
        )
    rows = table.rows_of(preset)
    if not rows:
        having = [other.id for other in METRIC_TABLES if other.rows_of(preset)]
        where = f"{', '.join(having)} {'has' if len(having) == 1 else 'have'} it" if having else ""
        raise UsageError(
            f"{path}: preset {preset} is no row of {table.id}; {where or 'no table has it'}. "
            f"ROW={path} places it all the same."
        )
    return rows


def _refuse_duplicates(
    row: TableRow, others: Iterable[SourceMeasurements], measured: SourceMeasurements
) -> None:
    for other in others:
        for metric, _ in other.scores.keys() & measured.scores.keys():
            raise UsageError(
                f"{measured.path}: measures {metric.name} of row {row.name}, as {other.path} does; "
                "name one of them"
            )


def _read_run(folder: Path) -> SourceMeasurements:
    run = RunFolder(folder)
    if not run.exists():
        raise ModelError(f"{folder}: not a run folder; wanted one, or a file of metrics")
    history = RunHistory(run.read_config(), read_log(run.log))
    snapshots = [
        MeasuredSnapshot(_parse_logged_scores(record.get("scores")), record["images_seen"])
        for record in history.curve("metrics")
    ]
    data = history.config.data
    images = f"{Path(data.path).name or 'images'} at {format_image_size(data.size)}"
    return _choose_snapshot(folder, snapshots, images, history.config.preset)


def scores_by_model(path: Path) -> dict[str, MetricScores]:
    """What a file of metrics says, by the model that was measured.

    Raises:
        ModelError: If a line is no measurement.
    """
    found: dict[str, dict[tuple[Metric, str | None], float]] = {}
    for line in _read_metric_lines(path):
        key = parse_score_title(f"{line['protocol']} {line.get('part') or ''}".strip())
        if key:
            found.setdefault(str(line.get("model", "")), {})[key] = float(line["value"])
    return dict(found)


def _read_metric_file(path: Path) -> SourceMeasurements:
    by_model, lines = scores_by_model(path), _read_metric_lines(path)
    snapshots = [
        MeasuredSnapshot(scores, _images_seen(model)) for model, scores in by_model.items()
    ]
    presets = {_preset_of(Path(model)) for model in by_model}
    preset = presets.pop() if len(presets) == 1 else None
    data = dict.fromkeys(Path(str(line["data"])).name for line in lines if line.get("data"))
    notes = dict.fromkeys(str(note) for line in lines for note in line.get("notes", []))
    return _choose_snapshot(path, snapshots, ", ".join(data) or "no images", preset, tuple(notes))


def _choose_snapshot(
    path: Path,
    snapshots: Sequence[MeasuredSnapshot],
    data: str,
    preset: str | None,
    notes: tuple[str, ...] = (),
) -> SourceMeasurements:
    known = [snapshot for snapshot in snapshots if snapshot.scores]
    if not known:
        raise ModelError(
            f"{path}: holds no metrics; `stylesmith train --metrics` measures on the way, "
            "`stylesmith evaluate --out FILE` afterwards"
        )
    chosen, metric = best_snapshot(known)
    return SourceMeasurements(
        path, chosen.scores, chosen.images_seen, len(known), metric, data, preset, notes
    )


def _read_metric_lines(path: Path) -> list[dict[str, Any]]:
    records = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        record: Any = None
        with contextlib.suppress(ValueError):
            record = files.parse_json(line)
        valid = isinstance(record, dict) and isinstance(record.get("protocol"), str)
        if not valid or finite_number(record.get("value")) is None:
            raise ModelError(
                f"{path}: line {number} is no measurement; wanted JSON lines as `stylesmith "
                "evaluate --out` writes them"
            )
        records.append(record)
    return records


def _parse_logged_scores(logged: object) -> dict[tuple[Metric, str | None], float]:
    """The scores of a record of a log, `{"pr50k3 precision": 0.7}`."""
    found = {}
    for title, value in logged.items() if isinstance(logged, dict) else ():
        key = parse_score_title(str(title))
        if key and finite_number(value) is not None:
            found[key] = float(value)
    return found


def parse_score_title(title: str) -> tuple[Metric, str | None] | None:
    """The metric and its part of a title in a log, such as `pr50k3 recall`.

    None for a metric that this version doesn't know, which no figure or table shows either.
    """
    name, _, part = title.partition(" ")
    try:
        return parse_metric(name), part or None
    except UsageError:
        return None


def _images_seen(model: str) -> int | None:
    stem = Path(model).stem
    return int(stem) if stem.isdecimal() else None


def _preset_of(model: Path) -> str | None:
    """Of the run that a model file or folder lies in."""
    for folder in (model, *model.parents[:2]):
        with contextlib.suppress(StylesmithError):
            return RunFolder(folder).read_config().preset
    return None


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
        placed: What was measured, as `place_measurements` returns it.
        notes: Further notes.
    """
    names = [_measured_names(table, column, placed) for column in table.columns]
    heads = [ColumnHeader("row"), *map(ColumnHeader, table.labels)]
    for column, measured in zip(table.columns, names, strict=True):
        heads.append(ColumnHeader(column.heading, "published"))
        heads += [ColumnHeader(name, "measured") for name in measured]
    rows = []
    for row in table.rows:
        cells: list[TableCell] = [row.name, *row.labels]
        for column, published, measured in zip(table.columns, row.published, names, strict=True):
            numbers = {name: value for name, _, value in _column_values(row, column, placed)}
            cells += [published, *map(numbers.get, measured)]
        rows.append(cells)
    notes = [*_general_notes(table, rows), *_metric_notes(table, placed), *notes]
    notes += _source_notes(table, placed)
    return FilledTable(table.title, table.caption, heads, rows, notes)


def _column_values(
    row: TableRow, column: MetricColumn, placed: MeasurementsByRow
) -> Iterator[tuple[str, Metric, float]]:
    """Label, metric and value of each number that belongs into a column of a row."""
    for measured in placed.get(row.name, ()):
        for (metric, part), value in measured.scores.items():
            if column.accepts(metric, part, row.space):
                yield _metric_label(column, metric), metric, value


def _measured_names(
    table: MetricTable, column: MetricColumn, placed: MeasurementsByRow
) -> list[str]:
    """Metrics that sources have for a column, the paper's first; where there is none, the paper's.

    Parts follow in words, as in `pr50k3 precision`.
    """
    paper = _metric_label(column, column.measured_by("w")[0])
    found = [name for row in table.rows for name, *_ in _column_values(row, column, placed)]
    return sorted(dict.fromkeys(found), key=lambda name: name != paper) or [paper]


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


def _metric_notes(table: MetricTable, placed: MeasurementsByRow) -> list[str]:
    """Where a measured metric is not the paper's, and so compares between rows only."""
    notes: dict[str, str] = {}
    for row, column in itertools.product(table.rows, table.columns):
        wanted, _ = column.measured_by(row.space)
        for name, metric, _ in _column_values(row, column, placed):
            if metric.name != wanted.name:
                notes.setdefault(name, _describe_difference(metric, wanted, column))
    return [f"{name} {note}" for name, note in notes.items()]


def _describe_difference(metric: Metric, wanted: Metric, column: MetricColumn) -> str:
    theirs = PUBLISHED_NAMES[metric.family][1]
    if metric.network != theirs:
        return (
            f"is not the paper's {column.title}: it is measured by {metric.network}, not by "
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
