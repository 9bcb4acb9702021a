"""The history of a run as its log records it: balance, diversity, problems, and suggestions.

All thresholds are defined here. `HealthMonitor` reports problems while a run trains, `RunHistory`
after the fact.
"""

import json
import math
import shlex
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from stylesmith.config import RunConfig
from stylesmith.config.training import scale_setting
from stylesmith.training.log import LogRecord

Balance = Literal["unknown", "healthy", "winning", "losing"]

HEALTHY_SIGNS = (0.5, 0.95)
"""Share of right answers of a discriminator that is ahead, but not too far."""
LOW_DIVERSITY = 0.5
"""Variety of the samples, relative to the data, below which something is wrong."""
SMALL_DATASET_IMAGES = 5000
"""Data sets smaller than this are soon known by heart."""

_RECENT_RECORDS = 10  # progress records that judge the present


@dataclass(frozen=True)
class RunHistory:
    """A run as its log tells it; curves are single-valued even where training went back."""

    config: RunConfig
    records: Sequence[LogRecord]

    def events(self, event: str) -> list[LogRecord]:
        """Every record of an event, in order."""
        return [record for record in self.records if record["event"] == event]

    def curve(self, event: str) -> list[LogRecord]:
        """Records of an event without those that a later one replaced, after a return."""
        kept: list[LogRecord] = []
        for record in self.events(event):
            while kept and kept[-1]["images_seen"] >= record["images_seen"]:
                kept.pop()
            kept.append(record)
        return kept

    def last(self, event: str) -> LogRecord:
        """The newest record of an event, empty if there is none."""
        found = self.events(event)
        return found[-1] if found else {}

    @property
    def images_seen(self) -> int:
        """Of the newest record."""
        return self.records[-1]["images_seen"] if self.records else 0

    @property
    def seconds(self) -> float:
        """Training time over all sessions."""
        timed = [
            record for record in self.records if finite_number(record.get("seconds")) is not None
        ]
        return timed[-1]["seconds"] if timed else 0.0

    @property
    def stop_reason(self) -> str | None:
        """Why the last session ended; None while it runs, or if it ended abruptly."""
        ends = [record for record in self.records if record["event"] in ("start", "stop")]
        return str(ends[-1].get("reason", "")) if ends and ends[-1]["event"] == "stop" else None

    @property
    def images_per_second(self) -> float | None:
        """Usual images a second."""
        return self._median(self.events("progress"), "img_per_sec")

    @property
    def sign_accuracy(self) -> float | None:
        """How often the discriminator was right lately, over reals and fakes."""
        recent = self.curve("progress")[-_RECENT_RECORDS:]
        sides = [self._median(recent, key) for key in ("sign_real", "sign_fake")]
        known = [side for side in sides if side is not None]
        return sum(known) / len(known) if known else None

    @property
    def balance(self) -> Balance:
        """Who is ahead."""
        if self.sign_accuracy is None:
            return "unknown"
        low, high = HEALTHY_SIGNS
        return (
            "losing"
            if self.sign_accuracy < low
            else "winning"
            if self.sign_accuracy > high
            else "healthy"
        )

    @property
    def diversity(self) -> float | None:
        """Variety of the latest samples, 1 being the data's."""
        return finite_number(self.last("samples").get("diversity"))

    @property
    def dropped(self) -> Counter[str]:
        """Dropped steps by the place where a number was not finite."""
        places = Counter(str(record.get("where", "unknown")) for record in self.events("dropped"))
        unplaced = int(finite_number(self.last("progress").get("dropped")) or 0) - places.total()
        return places + Counter({"unknown": max(unplaced, 0)})

    @staticmethod
    def _median(records: Iterable[LogRecord], key: str) -> float | None:
        values = [finite_number(record.get(key)) for record in records]
        known = [value for value in values if value is not None]
        return median(known) if known else None


@dataclass(frozen=True)
class Suggestion:
    """One thing to try: why, and the command that does it."""

    reason: str
    command: str


def finite_number(value: Any) -> float | None:
    """The value if it is a finite number; a log is a file, and may hold anything."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value if known and math.isfinite(value) else None


def describe_run(history: RunHistory) -> str:
    """The state of a run in plain words, a few sentences."""
    return " ".join(
        [_describe_balance(history), *_describe_samples(history), *_describe_problems(history)]
    )


def suggest_next(history: RunHistory, run_folder: Path) -> list[Suggestion]:
    """What to try next, the most pressing first."""
    run = shlex.quote(str(run_folder))
    advice = _suggest_fixes(history, run_folder)
    percent = 100 * history.images_seen / (1000 * history.config.training.kimg)
    done = f"{percent:.3g}% of the planned {history.config.training.kimg:,g} thousand images"
    advice.append(
        Suggestion(
            f"Train for half an hour more, from exactly where it stopped ({done} are done).",
            f"stylesmith train --resume {run} --minutes 30",
        )
    )
    advice.append(
        Suggestion(
            "Draw sixteen pictures. A psi below 1 gives up some variety for quality; --psi 1 "
            "shows all the variety there is.",
            f"stylesmith generate {run} --seeds 0-15 --psi 0.7 --out samples.png",
        )
    )
    return advice


def _describe_balance(history: RunHistory) -> str:
    if history.sign_accuracy is None:
        return "No progress has been recorded yet."
    right = f"right {history.sign_accuracy:.0%} of the time lately"
    match history.balance:
        case "winning":
            return (
                f"The discriminator is winning: {right}, which leaves the generator little to "
                "learn from."
            )
        case "losing":
            return (
                f"The discriminator is behind: {right}, so its advice is no better than chance. "
                "That is usual in the first minutes, and a sign of too much regularization later."
            )
        case _:
            return f"The two networks are in balance: the discriminator is {right}."


def _describe_samples(history: RunHistory) -> list[str]:
    distances = [finite_number(record.get("color_distance")) for record in history.curve("samples")]
    known = [distance for distance in distances if distance is not None]
    parts = []
    if len(known) > 1:
        verb = "come closer to" if known[-1] < known[0] else "not come closer to"
        parts.append(
            f"The colors of the samples have {verb} those of the data "
            f"(distance {known[0]:.3g} at first, {known[-1]:.3g} now)."
        )
    if history.diversity is not None:
        low = history.diversity < LOW_DIVERSITY
        verdict = ", which is low: they may be collapsing to few pictures." if low else "."
        parts.append(f"The samples are {history.diversity:.0%} as varied as the data{verdict}")
    return parts


def _describe_problems(history: RunHistory) -> list[str]:
    dropped, returns = history.dropped.total(), len(history.events("rollback"))
    parts = []
    if dropped:
        verb = "step was" if dropped == 1 else "steps were"
        parts.append(f"{dropped} {verb} dropped because of numbers that were not finite.")
    if returns:
        parts.append(f"Training went back to a checkpoint {_format_times(returns)}.")
    return parts


def _suggest_fixes(history: RunHistory, run_folder: Path) -> list[Suggestion]:
    training, data = history.config.training, history.config.data
    few = (
        0 < (finite_number(history.last("start").get("dataset_images")) or 0) < SMALL_DATASET_IMAGES
    )
    found: list[tuple[bool, str, list[str], str]] = [
        (
            history.balance == "winning",
            "The discriminator is winning: hold it back with a stronger R1 penalty, "
            "or add more pictures.",
            [f"training.r1_gamma={4 * training.r1_gamma or 1.0:g}"],
            "more-r1",
        ),
        (
            history.balance == "winning" and few and not data.mirror,
            "There are few pictures: mirroring them doubles their number, "
            "if left and right do not matter.",
            ["data.mirror=true"],
            "mirror",
        ),
        (
            history.balance == "losing" and training.r1_gamma > 0,
            "The discriminator is behind: if it stays so, weaken the R1 penalty.",
            [f"training.r1_gamma={training.r1_gamma / 4:g}"],
            "less-r1",
        ),
        (
            history.diversity is not None and history.diversity < LOW_DIVERSITY,
            "The samples are alike: larger batches show the discriminator more of them at once.",
            [_scaled_setting("training.batch_size", training.batch_size, 2)],
            "batch",
        ),
        (
            history.dropped.total() > 0,
            "Steps were dropped: full precision and lower rates are safer.",
            [
                "training.precision=fp32",
                _scaled_setting("training.generator_lr", training.generator_lr, 0.5),
                _scaled_setting("training.discriminator_lr", training.discriminator_lr, 0.5),
            ],
            "safe",
        ),
    ]
    return [
        Suggestion(reason, _new_run_command(history.config, run_folder, settings, name))
        for applies, reason, settings, name in found
        if applies
    ]


def _scaled_setting(name: str, setting: Any, factor: float) -> str:
    """An assignment of the setting, a number or a table, times a factor."""
    return f"{name}={json.dumps(scale_setting(setting, factor))}"


def _new_run_command(config: RunConfig, run_folder: Path, settings: list[str], name: str) -> str:
    """A new run beside the old one: a run resumed with other settings would be neither."""
    words = ["stylesmith", "train", config.data.path or "DATA"]
    words += [] if config.preset == "custom" else ["--preset", config.preset]
    for setting in settings:
        words += ["--set", setting]
    out = run_folder.parent / f"{run_folder.name or 'run'}-{name}"
    return shlex.join([*words, "--out", str(out)])


def _format_times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


PATIENCE = 5
"""Records in a row that must agree."""
CHANCE_LOSS_TOLERANCE = 0.01
"""D's loss this close to 2 ln 2 has not learned to tell real from generated."""


class HealthMonitor:
    """Watches the log's records and speaks up once for each kind of trouble."""

    def __init__(self) -> None:
        self._recent: deque[dict[str, float]] = deque(maxlen=PATIENCE)
        self._low_diversity_grids = 0
        self._reported: set[str] = set()

    def after_progress(self, record: dict[str, float]) -> list[str]:
        """Hints that follow from a progress record with the last few before it."""
        if "sign_real" not in record:  # WGAN-GP, whose scores have no meaningful sign
            return []
        self._recent.append(record)
        if len(self._recent) < PATIENCE:
            return []
        hints = []
        low = HEALTHY_SIGNS[1]
        if all(min(r["sign_real"], r["sign_fake"]) > low for r in self._recent):
            hints += self._once(
                "winning",
                "The discriminator is winning: it is right about nearly every image, so the "
                "generator learns little. Raise the penalty (--set training.r1_gamma=...), add "
                "images, or flip them with --mirror.",
            )
        if all(abs(r["loss_d"] - 2 * math.log(2)) < CHANCE_LOSS_TOLERANCE for r in self._recent):
            hints += self._once(
                "idle",
                "The discriminator's loss stays at 2 ln 2: it cannot tell real from generated. "
                "Lower the gradient penalty (--set training.r1_gamma=...).",
            )
        return hints

    def after_samples(self, record: dict[str, float]) -> list[str]:
        """Hints that follow from a grid of samples."""
        self._low_diversity_grids = (
            self._low_diversity_grids + 1 if record["diversity"] < LOW_DIVERSITY else 0
        )
        if self._low_diversity_grids < 2:
            return []
        return self._once(
            "few",
            "The samples are much less varied than the data and may be collapsing to few. Look at "
            "the grid; go back to an earlier snapshot, raise training.r1_gamma or the batch size.",
        )

    def _once(self, problem: str, text: str) -> list[str]:
        if problem in self._reported:
            return []
        self._reported.add(problem)
        return [text]
