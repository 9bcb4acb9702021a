"""Train the rows of a table with equal budgets, resume those that stopped, and measure them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from stylesmith import distributed, files, runs
from stylesmith.choices import ProtocolName
from stylesmith.config import DataConfig, RunConfig, apply_overrides
from stylesmith.data.dataset import Dataset
from stylesmith.devices import choose_precision
from stylesmith.errors import RunError, UsageError
from stylesmith.figures.tables.compute_cost import wall_minutes
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
from stylesmith.training.estimate import choose_micro_batch, forecast
from stylesmith.training.log import read_log
from stylesmith.training.schedule import Schedule
from stylesmith.training.trainer import RunLimits, StopReason

SNAPSHOTS_PER_RUN = 5
"""Of each row, of which the best is shown."""
SMALL_NETWORK = {"max_channels": 64}
SMALL_MAPPING = {"z_dim": 128, "w_dim": 128}
SMALL_BATCH_SIZE = 16


@dataclass(frozen=True)
class RunComparison:
    """What all rows share."""

    table: MetricTable
    rows: Sequence[TableRow]
    out: Path
    """Holds a folder for the run of each row, and a file for what was measured of it."""
    dataset: Dataset
    data: DataConfig
    device: torch.device
    scale: ProtocolName
    kimg: float | None
    """Length of each row in thousands of images; without it, `minutes` decides."""
    minutes: float | None
    metrics: Sequence[Metric] | None
    """None takes those of the table, as the scale allows."""
    settings: Sequence[str] = ()
    """`key=value` texts."""

    @property
    def presets(self) -> list[str]:
        """What is trained, each once."""
        return list(dict.fromkeys(row.presets[0] for row in self.rows))

    def run_folder(self, preset: str) -> RunFolder:
        """Where a row is trained."""
        return RunFolder(self.out / preset)

    def metrics_file(self, preset: str) -> Path:
        """Where its metrics are kept."""
        return self.out / f"{preset}.jsonl"

    def config(self, preset: str, *, kimg: float) -> RunConfig:
        """A preset in that many thousand images, with what all rows share."""
        config = find_preset(preset).build(self.data, self.device).scale_schedule(kimg)
        if self.scale == "small":
            batch = {"batch_size": SMALL_BATCH_SIZE}
            config = config.change(
                generator={**SMALL_NETWORK, "mapping": SMALL_MAPPING},
                discriminator=SMALL_NETWORK,
                training=batch,
            )
        output = {
            "log_kimg": kimg / 100,
            "grid_kimg": kimg / 10,
            "snapshot_kimg": kimg / SNAPSHOTS_PER_RUN,
        }
        return apply_overrides(config.change(output=output), self.settings)

    def metrics_of(self, preset: str) -> list[Metric]:
        """What is measured of a row, the one that chooses its snapshot first."""
        if self.metrics is not None:
            return sorted(self.metrics, key=lambda metric: metric.family != "fd")
        columns = self.table.columns
        rows = self.table.rows_of(preset)
        wanted = [column.measured_by(row.space)[0] for column in columns for row in rows]
        measurable = [metric for metric in wanted if metric.family != "ls"]  # needs classifiers
        if self.scale == "small":
            measurable = [_small_metric(metric) for metric in measurable]
        first = sorted(measurable, key=lambda metric: metric.family != "fd")
        return list(dict.fromkeys(first))


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


STOPPED_BY_USER: StopReason = "it was asked to stop"


def train_table(
    plan: RunComparison, *, say: Callable[[str], None], on_table: Callable[[FilledTable], None]
) -> FilledTable:
    """Train and measure what is not done yet; `write` gets the table after every row.

    Raises:
        ConfigError: If a row cannot be trained, or was begun with other settings; before any work.
        RunError: If rows failed, after all others are done.
    """
    if distributed.planned_world_size() > 1:
        raise UsageError(
            "--run: trains in one process; start each row by torchrun with `stylesmith train "
            "--preset`, and name the runs as sources of the table"
        )
    for preset in plan.presets:
        check_row(plan, preset)
    failures: dict[str, str] = {}
    reason: StopReason | None = None
    for preset in plan.presets:
        try:
            reason = train_row(plan, preset, say=say)
            if reason != STOPPED_BY_USER:
                measure_row(plan, preset, say=say)
        except RunError as error:
            failures[preset] = str(error)
            say(f"{preset}: failed: {error}")
        sheet = current_table(plan, failures)
        on_table(sheet)
        if reason == STOPPED_BY_USER:
            say("The same command goes on from here.")
            break
    if failures:
        raise RunError(f"{', '.join(failures)}: failed; the table says why")
    return sheet


def current_table(plan: RunComparison, failures: dict[str, str]) -> FilledTable:
    """The table as far as it is known."""
    placed: dict[str, list[SourceMeasurements]] = {}
    for preset in plan.presets:
        if plan.metrics_file(preset).is_file():
            for row in plan.table.rows:
                if row.presets[0] == preset:
                    placed[row.name] = [read_measurements(plan.metrics_file(preset))]
    budget = f"{plan.minutes:g} minutes" if plan.minutes else f"{plan.kimg:g} thousand images"
    notes = [f"Each measured row was trained for {budget} on {plan.device.type}."]
    if plan.scale == "small":
        notes.append(
            f"Networks are smaller than the paper's: at most {SMALL_NETWORK['max_channels']} "
            f"feature maps, z and w of length {SMALL_MAPPING['w_dim']}; batches of "
            f"{SMALL_BATCH_SIZE}."
        )
    if plan.settings:
        notes.append(f"Settings of all rows: {', '.join(plan.settings)}.")
    notes += [f"{preset}: failed: {text}" for preset, text in failures.items()]
    return fill_table(plan.table, placed, notes)


def train_row(plan: RunComparison, preset: str, *, say: Callable[[str], None]) -> StopReason | None:
    """Start a row, go on with it, or leave it if it is complete; says why its session ended."""
    run = plan.run_folder(preset)
    if not run.checkpoints():
        plan.metrics_file(preset).unlink(missing_ok=True)
        config = plan.config(preset, kimg=plan.kimg or _kimg_for_minutes(plan, preset))
        say(f"{preset}: a new run, laid out for {config.training.kimg:.4g} thousand images")
        session = runs.RunOptions(plan.device, _remaining_limits(plan, 0.0), force=True)
        return runs.start(config, plan.dataset, run.path, session, notify=say)
    if is_complete(plan, preset):
        say(f"{preset}: trained")
        return None
    say(f"{preset}: goes on")
    session = runs.RunOptions(plan.device, _remaining_limits(plan, wall_minutes(read_log(run.log))))
    config = run.read_config().change(data={"path": plan.data.path})
    return runs.resume(run, config, session, notify=say)


def is_complete(plan: RunComparison, preset: str) -> bool:
    """Whether a row has used up its budget and is saved."""
    run = plan.run_folder(preset)
    if plan.minutes is not None:
        return wall_minutes(read_log(run.log)) >= plan.minutes
    return int(run.checkpoints()[0].stem) >= run.read_config().training.kimg * 1000


def check_row(plan: RunComparison, preset: str) -> None:
    """Refuse a row that cannot be trained or measured, or that was begun otherwise.

    Raises:
        ConfigError: If the preset or a setting does not fit, naming the first that differs.
        StylesmithError: If a metric cannot be measured.
    """
    run = plan.run_folder(preset)
    begun = run.read_config() if run.exists() else None
    wanted = plan.config(preset, kimg=plan.kimg or (begun.training.kimg if begun else 1.0))
    RunEvaluator(wanted, plan.dataset, plan.metrics_of(preset), _evaluation_settings(plan)).check()
    if begun is not None:
        runs.check_same_settings(run, begun, wanted, folder_option="--out-runs")


def measure_row(plan: RunComparison, preset: str, *, say: Callable[[str], None]) -> None:
    """Measure every whole snapshot by the first metric, and the best by all others.

    What the file of the row holds already is not measured again.
    """
    first, *others = plan.metrics_of(preset)
    for path in measurable_snapshots(plan.run_folder(preset)):
        _measure_snapshot(plan, preset, path, [first], say=say)
    if not plan.metrics_file(preset).is_file():
        say(f"{preset}: not all of its levels are in use yet, so there is nothing to measure")
    elif others:
        best = read_measurements(plan.metrics_file(preset)).images_seen
        for path in measurable_snapshots(plan.run_folder(preset)):
            if int(path.stem) == best:
                _measure_snapshot(plan, preset, path, others, say=say)


def measurable_snapshots(run: RunFolder) -> list[Path]:
    """The snapshots of a run, oldest first, and its last state, which may lie behind them."""
    found = {path.stem: path for path in [*run.checkpoints()[:1], *run.snapshots()]}
    return [found[stem] for stem in sorted(found, key=int) if int(stem) > 0]


def _measure_snapshot(
    plan: RunComparison,
    preset: str,
    path: Path,
    metrics: Sequence[Metric],
    *,
    say: Callable[[str], None],
) -> None:
    file = plan.metrics_file(preset)
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = {metric for metric, _ in scores_by_model(file).get(str(path), ())} if text else set()
    missing = [metric for metric in metrics if metric not in known]
    if not missing:
        return
    generator = load(path, device=str(plan.device))
    growth = generator.growth
    if generator.image_size != plan.data.size or (growth is not None and growth.fade < 1):
        return  # not all levels are in use yet
    say(f"{preset}: measuring {', '.join(m.name for m in missing)} of {path.name}")
    training = plan.run_folder(preset).read_config().training
    precision = choose_precision(training.precision, plan.device)
    source = ModelSource(generator, str(path), precision=precision)
    for result in evaluate(source, DataSource(plan.dataset), missing, _evaluation_settings(plan)):
        text += f"{result.to_json()}\n"
    files.write_text(file, text)


def _evaluation_settings(plan: RunComparison) -> EvaluationSettings:
    return EvaluationSettings(plan.device, cache=StatisticsCache(default_cache_folder()))


def _remaining_limits(plan: RunComparison, spent: float) -> RunLimits:
    """Minutes hold for all sessions of a row together, and rows that are fast go on until then."""
    if plan.minutes is None:
        return RunLimits()
    return RunLimits(plan.minutes - spent, ignore_length=True)


def _kimg_for_minutes(plan: RunComparison, preset: str) -> float:
    """How many thousand images fit into the minutes, as far as can be told beforehand."""
    assert plan.minutes is not None
    config = choose_micro_batch(plan.config(preset, kimg=1.0), plan.device)
    precision = choose_precision(config.training.precision, plan.device)
    expected = forecast(config, Schedule(config, processes=1), precision, plan.device)
    return max(float(f"{plan.minutes * 60 / expected.seconds:.2g}"), 0.1)
