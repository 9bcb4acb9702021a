"""Train the rows of a ladder with equal budgets, each where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ladder_page import write_pages
from ladder_rows import Notes, Row
from ladder_speed import measure_speed
from stylesmith import runs
from stylesmith.config import DataConfig, RunConfig, apply_overrides
from stylesmith.data.dataset import Dataset
from stylesmith.errors import RunError
from stylesmith.presets import find_preset
from stylesmith.training.trainer import RunLimits, StopReason

DEFAULT_KIMG = 100.0
STOPPED: StopReason = "it was asked to stop"


@dataclass(frozen=True)
class Ladder:
    """What all rows share."""

    out: Path
    dataset: Dataset
    data: DataConfig
    device: torch.device
    kimg: float | None
    """Length of each row in thousands of images; without it, `minutes` decides."""
    minutes: float | None
    max_channels: int
    mapping: int | None
    """Length of z and w; None is the preset's."""
    settings: Sequence[str]
    """`key=value` texts."""

    def config(self, name: str, *, kimg: float = DEFAULT_KIMG) -> RunConfig:
        """A preset in that many thousand images, with the settings that all rows share."""
        config = find_preset(name).build(self.data, self.device).scale_schedule(kimg)
        widths = {"max_channels": self.max_channels}
        latents = {"z_dim": self.mapping, "w_dim": self.mapping} if self.mapping else {}
        config = config.change(
            generator={**widths, "mapping": latents},
            discriminator=widths,
            output={
                "log_kimg": kimg / 100,
                "grid_kimg": kimg / 15,
                "grid_images": 64,
                "snapshot_kimg": kimg,
            },
        )
        return apply_overrides(config, self.settings)


def train_rows(ladder: Ladder, names: Sequence[str], notes: Notes) -> bool:
    """Train every row that is not complete; False if one failed. The page follows each row."""
    for name in names:
        check_row(ladder, name)  # better refused now than in the middle of the night
    failed = False
    for name in names:
        reason: StopReason | None = None
        notes.failures.pop(name, None)
        try:
            reason = train_row(ladder, name)
        except RunError as error:
            failed = True
            notes.failures[name] = str(error)
            say(f"{name}: failed: {error}")
        notes.write(ladder.out)
        write_pages(ladder.out)
        if reason == STOPPED:
            say("The same command goes on from here.")
            break
    return not failed


def train_row(ladder: Ladder, name: str) -> StopReason | None:
    """Start a row, go on with it, or leave it if it is complete; says why its session ended."""
    row = Row.read(ladder.out, name)
    if row is None or not row.run.checkpoints():
        reason = _start(ladder, name)
    elif is_complete(row, ladder):
        say(f"{name}: complete")
        return None
    else:
        reason = _go_on(ladder, row)
    say(f"{name}: {reason}")
    return reason


def check_row(ladder: Ladder, name: str) -> None:
    """Refuse a row that cannot be trained, or that was begun with other settings.

    Raises:
        ConfigError: If the preset or a setting does not fit, naming the first that differs.
    """
    row = Row.read(ladder.out, name)
    begun = row.history.config if row else None
    wanted = ladder.config(name, kimg=ladder.kimg or (begun.training.kimg if begun else 1.0))
    if row is not None and begun is not None:
        runs.check_same_settings(row.run, begun, wanted, folder_option="--out")


def is_complete(row: Row, ladder: Ladder) -> bool:
    """Whether a row has used up its budget and is saved."""
    if ladder.minutes is not None:
        return row.minutes >= ladder.minutes
    return int(row.run.checkpoints()[0].stem) >= row.history.config.training.kimg * 1000


def say(text: str) -> None:
    """Print a line at once, also into a file."""
    print(text, flush=True)


def _start(ladder: Ladder, name: str) -> StopReason:
    config = ladder.config(name, kimg=ladder.kimg or _kimg_in_time(ladder, name))
    say(f"{name}: a new run, laid out for {config.training.kimg:.4g} thousand images")
    session = runs.RunOptions(ladder.device, _limits(ladder, spent=0.0), force=True)
    return runs.start(config, ladder.dataset, ladder.out / name, session, notify=say)


def _go_on(ladder: Ladder, row: Row) -> StopReason:
    say(f"{row.preset.name}: goes on after {row.history.images_seen:,} images")
    session = runs.RunOptions(ladder.device, _limits(ladder, spent=row.minutes))
    config = row.history.config.change(data={"path": ladder.data.path})
    return runs.resume(row.run, config, session, notify=say)


def _limits(ladder: Ladder, *, spent: float) -> RunLimits:
    """Minutes hold for all sessions of a row together, and rows that are fast go on until then."""
    if ladder.minutes is None:
        return RunLimits()
    return RunLimits(ladder.minutes - spent, ignore_length=True)


def _kimg_in_time(ladder: Ladder, name: str) -> float:
    """How many thousand images fit into the minutes, at the speed of all levels."""
    assert ladder.minutes is not None
    speed = measure_speed(ladder.config(name), ladder.dataset, ladder.device, repeats=2)
    return float(f"{speed.images_per_second * ladder.minutes * 60 / 1000:.2g}")
