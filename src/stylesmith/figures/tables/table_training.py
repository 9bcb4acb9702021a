"""Train the rows of a table with equal budgets, measure them, and fill the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stylesmith import distributed, files
from stylesmith.callbacks import Notify
from stylesmith.choices import ProtocolName, check_choices
from stylesmith.devices import choose_precision
from stylesmith.errors import RunError, UsageError
from stylesmith.figures.tables.measurements import (
    SourceMeasurements,
    fill_table,
    read_measurements,
    scores_by_model,
)
from stylesmith.figures.tables.metric_tables import MetricTable, TableRow
from stylesmith.figures.tables.table_output import FilledTable
from stylesmith.metrics.evaluate import EvaluationSettings, evaluate
from stylesmith.metrics.image_sources import DataSource, ModelSource
from stylesmith.metrics.protocol import DEFAULT_COUNTS, Metric
from stylesmith.metrics.reference_statistics import StatisticsCache, default_cache_folder
from stylesmith.models import RunFolder, load
from stylesmith.presets import find_preset
from stylesmith.runs.evaluators import RunEvaluator
from stylesmith.runs.run_comparison import RunComparison

SMALL_CHANNELS, SMALL_WIDTH, SMALL_BATCH_SIZE = 64, 128, 16
"""Feature maps at most, length of z and w, and batch size of small runs."""
SCALE_CHANGES: dict[ProtocolName, dict[str, dict[str, Any]]] = {
    "small": {
        "generator": {
            "max_channels": SMALL_CHANNELS,
            "mapping": {"z_dim": SMALL_WIDTH, "w_dim": SMALL_WIDTH},
        },
        "discriminator": {"max_channels": SMALL_CHANNELS},
        "training": {"batch_size": SMALL_BATCH_SIZE},
    },
    "paper": {},
}
"""Changes of all presets, for `RunComparison.changes`."""


@check_choices
@dataclass(frozen=True)
class TableTraining:
    """Rows of a table, the runs that they are trained in, and what is measured of them."""

    table: MetricTable
    rows: Sequence[TableRow]
    runs: RunComparison
    """Whose folder also gets a file for what was measured of each row."""
    scale: ProtocolName = "small"
    metrics: Sequence[Metric] | None = None
    """None takes those of the table, as the scale allows."""

    @property
    def presets(self) -> list[str]:
        """What is trained, each once."""
        return list(dict.fromkeys(row.presets[0] for row in self.rows))

    @property
    def evaluation(self) -> EvaluationSettings:
        """How metrics are computed."""
        return EvaluationSettings(self.runs.device, cache=StatisticsCache(default_cache_folder()))

    def metrics_file(self, preset: str) -> Path:
        """Where the metrics of a row are kept."""
        return self.runs.out / f"{preset}.jsonl"

    def metrics_of(self, preset: str) -> list[Metric]:
        """What is measured of a row, the metric that chooses its snapshot first."""
        found = self.metrics
        if found is None:
            columns, rows = self.table.columns, self.table.rows_of(preset)
            wanted = [column.measured_by(row.space)[0] for column in columns for row in rows]
            found = [metric for metric in wanted if metric.family != "ls"]  # needs classifiers
            if self.scale == "small":
                found = [_small_metric(metric) for metric in found]
        return list(dict.fromkeys(sorted(found, key=lambda metric: metric.family != "fd")))


def choose_rows(table: MetricTable, names: Sequence[str]) -> list[TableRow]:
    """The rows of these names; without any, those that take any images.

    Raises:
        UsageError: If there is no such row, or none that takes any images.
    """
    by_name = {row.name: row for row in table.rows}
    for name in names:
        if name not in by_name:
            raise UsageError(f"--rows {name}: {table.id} has the rows {', '.join(by_name)}")
    chosen = [by_name[name] for name in names] or [
        row for row in table.rows if find_preset(row.presets[0]).data_set is None
    ]
    if not chosen:
        raise UsageError(
            f"{table.id}: each row is of one data set; name those of your data by --rows: "
            f"{', '.join(by_name)}"
        )
    return chosen


def _small_metric(metric: Metric) -> Metric:
    """The same by a network that needs no weights, from fewer samples."""
    count = DEFAULT_COUNTS["small"][metric.family]
    reals = None if metric.max_reals is None else count
    return replace(metric, network="random", count=count, max_reals=reals)


def train_table(
    training: TableTraining, *, notify: Notify, on_table: Callable[[FilledTable], None]
) -> FilledTable:
    """Train and measure what is not done yet; `on_table` gets the table after every row.

    Raises:
        ConfigError: If a row cannot be trained, or was begun with other settings; before any work.
        StylesmithError: If a metric cannot be measured; before any work.
        RunError: If rows failed, after all others are done.
    """
    if distributed.planned_world_size() > 1:
        raise UsageError(
            "--run: trains in one process; start each row by torchrun with `stylesmith train "
            "--preset`, and name the runs as sources of the table"
        )
    for preset in training.presets:
        config, metrics = training.runs.check(preset), training.metrics_of(preset)
        RunEvaluator(config, training.runs.dataset, metrics, training.evaluation).check()
    for preset in training.presets:
        if not training.runs.run_folder(preset).checkpoints():
            training.metrics_file(preset).unlink(missing_ok=True)
    failures: dict[str, str] = {}

    def after_run(preset: str, failure: str | None) -> None:
        if failure is not None:
            failures[preset] = failure
        on_table(current_table(training, failures))

    training.runs.train_all(
        training.presets,
        notify=notify,
        after_run=after_run,
        measure=lambda preset: measure_row(training, preset, notify=notify),
    )
    if failures:
        raise RunError(f"{', '.join(failures)}: failed; the table says why")
    return current_table(training, failures)


def current_table(training: TableTraining, failures: dict[str, str]) -> FilledTable:
    """The table as far as it is known."""
    placed: dict[str, list[SourceMeasurements]] = {}
    for row in training.table.rows:
        file = training.metrics_file(row.presets[0])
        if row.presets[0] in training.presets and file.is_file():
            placed[row.name] = [read_measurements(file)]
    runs = training.runs
    notes = [f"Each measured row was trained for {runs.budget} on {runs.device.type}."]
    if training.scale == "small":
        notes.append(
            f"Networks are smaller than the paper's: at most {SMALL_CHANNELS} feature maps, z and "
            f"w of length {SMALL_WIDTH}; batches of {SMALL_BATCH_SIZE}."
        )
    if runs.settings:
        notes.append(f"Settings of all rows: {', '.join(runs.settings)}.")
    notes += [f"{preset}: failed: {text}" for preset, text in failures.items()]
    return fill_table(training.table, placed, notes)


def measure_row(training: TableTraining, preset: str, *, notify: Notify) -> None:
    """Measure every whole snapshot by the first metric, and the best by all others.

    What the file of the row holds already is not measured again.
    """
    first, *others = training.metrics_of(preset)
    snapshots = measurable_snapshots(training.runs.run_folder(preset))
    for path in snapshots:
        _measure_snapshot(training, preset, path, [first], notify=notify)
    if not training.metrics_file(preset).is_file():
        notify(f"{preset}: not all of its levels are in use yet, so there is nothing to measure")
    elif others:
        best = read_measurements(training.metrics_file(preset)).images_seen
        for path in snapshots:
            if int(path.stem) == best:
                _measure_snapshot(training, preset, path, others, notify=notify)


def measurable_snapshots(run: RunFolder) -> list[Path]:
    """The snapshots of a run, oldest first, and its last state, which may lie behind them."""
    found = {path.stem: path for path in [*run.checkpoints()[:1], *run.snapshots()]}
    return [found[stem] for stem in sorted(found, key=int) if int(stem) > 0]


def _measure_snapshot(
    training: TableTraining, preset: str, path: Path, metrics: Sequence[Metric], *, notify: Notify
) -> None:
    file, runs = training.metrics_file(preset), training.runs
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = {metric for metric, _ in scores_by_model(file).get(str(path), ())} if text else set()
    missing = [metric for metric in metrics if metric not in known]
    if not missing:
        return
    generator = load(path, device=str(runs.device))
    growth = generator.growth
    if generator.image_size != runs.data.size or (growth is not None and growth.fade < 1):
        return  # not all levels are in use yet
    notify(f"{preset}: measuring {', '.join(m.name for m in missing)} of {path.name}")
    precision = runs.run_folder(preset).read_config().training.precision
    source = ModelSource(generator, str(path), precision=choose_precision(precision, runs.device))
    for result in evaluate(source, DataSource(runs.dataset), missing, training.evaluation):
        text += f"{result.to_json()}\n"
    files.write_text(file, text)
