"""What is known of a ladder: its runs, and the notes beside them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from stylesmith import files
from stylesmith.errors import ModelError
from stylesmith.models import RunFolder
from stylesmith.presets import Preset, find_preset
from stylesmith.training.log import read_log
from stylesmith.training.run_history import RunHistory, finite_number

NOTES = "ladder.json"


@dataclass(frozen=True)
class Row:
    """One preset and its run."""

    preset: Preset
    run: RunFolder
    history: RunHistory

    @classmethod
    def read(cls, folder: Path, name: str) -> "Row | None":
        """The row of a run that has started; None before."""
        run = RunFolder(folder / name)
        if not run.exists() or not run.log.is_file():
            return None
        return cls(find_preset(name), run, RunHistory(run.read_config(), read_log(run.log)))

    @property
    def full_speed(self) -> float | None:
        """Usual images a second once all levels are in use and no fade goes on."""
        growth, levels = self.history.config.training.growth, self.history.config.generator.levels
        grown = 1000 * growth.grown_kimg(levels) if growth else 0
        records = self.history.curve("progress")
        starts = [0, *(record["images_seen"] for record in records)]
        full = [r for start, r in zip(starts, records, strict=False) if start >= grown]
        speeds = [finite_number(record.get("img_per_sec")) for record in full]
        known = [speed for speed in speeds if speed is not None]
        return median(known) if known else None

    @property
    def overall_speed(self) -> float | None:
        """All images over all training time."""
        return self.history.images_seen / self.history.seconds if self.history.seconds else None


@dataclass
class Notes:
    """What the folders of the rows do not tell: their order, who failed, and how it was called."""

    presets: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Notes":
        """The notes of a ladder; of a folder without any, the runs that lie in it.

        Raises:
            ModelError: If they are damaged.
        """
        path = folder / NOTES
        if path.is_file():
            try:
                return cls(**json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, TypeError):
                raise ModelError(
                    f"{path}: damaged. Remove it, and name the rows by --presets."
                ) from None
        return cls(presets=sorted(p.parent.name for p in folder.glob("*/config.json")))

    def add(self, presets: Sequence[str], command: str) -> None:
        """Take note of a call that trains; rows and commands already known are not repeated."""
        self.presets = list(dict.fromkeys([*self.presets, *presets]))
        self.commands = list(dict.fromkeys([*self.commands, command]))

    def write(self, folder: Path) -> None:
        """Keep them."""
        files.write_json(folder / NOTES, vars(self))
