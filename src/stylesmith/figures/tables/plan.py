"""What a table is to be trained with: rows, data, budget, scale; and the settings of each row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from stylesmith.config import DataConfig, RunConfig, apply_overrides
from stylesmith.data.dataset import Dataset
from stylesmith.errors import UsageError
from stylesmith.figures.tables.table import MetricTable, TableRow
from stylesmith.metrics.protocol import DEFAULT_COUNTS, Metric
from stylesmith.models import RunFolder
from stylesmith.presets import find_preset

ComparisonScale = Literal["small", "paper"]
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
    scale: ComparisonScale
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
