"""Runs of several presets with equal budgets and settings: started, continued, and compared."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from stylesmith.callbacks import Notify
from stylesmith.config import DataConfig, RunConfig, apply_overrides
from stylesmith.data.dataset import Dataset
from stylesmith.devices import choose_precision
from stylesmith.errors import RunError, UsageError
from stylesmith.models import RunFolder
from stylesmith.presets import find_preset
from stylesmith.runs.training_run import RunOptions, check_same_settings, resume, start
from stylesmith.training.estimate import choose_micro_batch, forecast
from stylesmith.training.log import LogRecord, read_log
from stylesmith.training.run_history import finite_number
from stylesmith.training.schedule import Schedule
from stylesmith.training.trainer import RunLimits, StopReason

MIN_KIMG = 0.1
"""Shortest schedule, in thousands of images, that is laid out for a time limit."""
STOPPED_BY_USER: StopReason = "it was asked to stop"


def forecast_seconds_per_kimg(config: RunConfig, device: torch.device) -> float:
    """Expected seconds of a run of a thousand images, without training it."""
    config = choose_micro_batch(config, device)
    precision = choose_precision(config.training.precision, device)
    return forecast(config, Schedule(config, processes=1), precision, device).seconds


@dataclass(frozen=True)
class RunComparison:
    """What the compared runs share; each preset is trained in a run folder of its own."""

    out: Path
    """Holds the run folder of each preset, by its name."""
    dataset: Dataset
    data: DataConfig
    device: torch.device
    kimg: float | None
    """Length of each run in thousands of images; None lets `minutes` decide."""
    minutes: float | None
    """Wall time of all sessions of a run together."""
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Changes of every preset, by section of the configuration."""
    settings: Sequence[str] = ()
    """`key=value` texts, applied last."""
    grids_per_run: int = 10
    snapshots_per_run: int = 5
    folder_option: str = "--out"
    """The option that names `out`, for errors."""
    seconds_per_kimg: Callable[[RunConfig, torch.device], float] = forecast_seconds_per_kimg
    """Time that a thousand images take, by which the schedules of `minutes` are laid out."""

    @property
    def budget(self) -> str:
        """The budget of each run in words."""
        return f"{self.minutes:g} minutes" if self.minutes else f"{self.kimg:g} thousand images"

    def run_folder(self, preset: str) -> RunFolder:
        """Where a preset is trained."""
        return RunFolder(self.out / preset)

    def config(self, preset: str, *, kimg: float) -> RunConfig:
        """A preset in that many thousand images, with what all runs share."""
        config = find_preset(preset).build(self.data, self.device).scale_schedule(kimg)
        output = {
            "log_kimg": kimg / 100,
            "grid_kimg": kimg / self.grids_per_run,
            "snapshot_kimg": kimg / self.snapshots_per_run,
        }
        return apply_overrides(config.change(output=output).change(**self.changes), self.settings)

    def check(self, preset: str) -> RunConfig:
        """The configuration of a preset, unless it does not fit or was begun with other settings.

        Raises:
            ConfigError: If the preset or a setting does not fit, naming the first that differs.
        """
        run = self.run_folder(preset)
        begun = run.read_config() if run.exists() else None
        wanted = self.config(preset, kimg=self.kimg or (begun.training.kimg if begun else 1.0))
        if begun is not None:
            check_same_settings(run, begun, wanted, folder_option=self.folder_option)
        return wanted

    def train_all(
        self,
        presets: Sequence[str],
        *,
        notify: Notify,
        after_run: Callable[[str, str | None], None],
        measure: Callable[[str], None] = lambda preset: None,
    ) -> bool:
        """Train every run that is not complete, unless the user stops it; False if one failed.

        Args:
            presets: What to train, in this order.
            notify: Gets a line whenever a run starts, continues, ends or fails.
            after_run: Gets the preset, and why it failed; None if it did not.
            measure: Called with the preset once its run is complete; may raise RunError.
        """
        succeeded = True
        for preset in presets:
            reason, failure = None, None
            try:
                reason = self.train(preset, notify)
                if reason != STOPPED_BY_USER:
                    measure(preset)
            except RunError as error:
                succeeded, failure = False, str(error)
                notify(f"{preset}: failed: {failure}")
            after_run(preset, failure)
            if reason == STOPPED_BY_USER:
                notify("The same command goes on from here.")
                break
        return succeeded

    def train(self, preset: str, notify: Notify) -> StopReason | None:
        """Start or continue a run; returns why its session ended, None if it was complete."""
        run = self.run_folder(preset)
        if not run.checkpoints():
            config = self.config(preset, kimg=self.kimg or self.kimg_in_time(preset))
            notify(f"{preset}: a new run, laid out for {config.training.kimg:.4g} thousand images")
            options = RunOptions(self.device, self.remaining_limits(0.0), force=True)
            reason = start(config, self.dataset, run.path, options, notify=notify)
        elif self.is_complete(preset):
            notify(f"{preset}: complete")
            return None
        else:
            notify(f"{preset}: goes on after {int(run.checkpoints()[0].stem):,} images")
            spent = wall_minutes(read_log(run.log))
            options = RunOptions(self.device, self.remaining_limits(spent))
            config = run.read_config().change(data={"path": self.data.path})
            reason = resume(run, config, options, notify=notify)
        notify(f"{preset}: {reason}")
        return reason

    def is_complete(self, preset: str) -> bool:
        """Whether a run that has checkpoints has used up its budget and is saved."""
        run = self.run_folder(preset)
        if self.minutes is not None:
            return wall_minutes(read_log(run.log)) >= self.minutes
        return int(run.checkpoints()[0].stem) >= run.read_config().training.kimg * 1000

    def remaining_limits(self, spent: float) -> RunLimits:
        """Limits of a session after `spent` minutes; fast runs may exceed their schedule."""
        if self.minutes is None:
            return RunLimits()
        return RunLimits(self.minutes - spent, ignore_length=True)

    def kimg_in_time(self, preset: str) -> float:
        """How many thousand images fit into `minutes`, to two digits."""
        assert self.minutes is not None
        seconds = self.seconds_per_kimg(self.config(preset, kimg=1.0), self.device)
        return max(float(f"{self.minutes * 60 / seconds:.2g}"), MIN_KIMG)


@dataclass(frozen=True)
class LoggedSession:
    """One uninterrupted part of a run."""

    seconds: float
    """Wall time, with sample grids, measurements and checkpoints."""
    processes: int
    """Each uses one device."""
    device: str


def logged_sessions(records: Iterable[LogRecord]) -> list[LoggedSession]:
    """The sessions in a log; work that was lost to a crash is not in it."""
    sessions: list[list[LogRecord]] = []
    for record in records:
        if record["event"] == "start" or not sessions:
            sessions.append([])
        sessions[-1].append(record)
    return [
        LoggedSession(
            (_record_time(session[-1]) - _record_time(session[0])).total_seconds(),
            int(finite_number(session[0].get("processes")) or 1),
            str(session[0].get("device", "unknown device")),
        )
        for session in sessions
    ]


def wall_minutes(records: Iterable[LogRecord]) -> float:
    """Wall time of all sessions in a log."""
    return sum(session.seconds for session in logged_sessions(records)) / 60


def _record_time(record: LogRecord) -> datetime:
    try:
        return datetime.fromisoformat(str(record["time"]))
    except (KeyError, ValueError):
        raise UsageError(
            f"the log record {record.get('event')!r} has no time; wanted a log as `stylesmith "
            "train` writes it"
        ) from None
