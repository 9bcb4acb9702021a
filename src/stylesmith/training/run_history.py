"""The history of a run as its log records it: balance, diversity, problems, and suggestions.

`PROBLEMS` lists what may go wrong: when it applies, the hint that a run gives while it trains, and
the settings that the report suggests.
"""

import json
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from stylesmith.augment.controller import LEAK_BOUND
from stylesmith.config import AdaConfig, RunConfig, TrainingConfig
from stylesmith.config.training import map_setting
from stylesmith.formatting import format_command, format_image_count
from stylesmith.training.log import LogRecord
from stylesmith.training.overfitting import COMPLETE, describe_overfitting

Balance = Literal["unknown", "healthy", "winning", "losing"]

HEALTHY_SIGNS = (0.5, 0.95)
"""Range of the discriminator's accuracy in which it is ahead and the generator still learns."""
LOW_DIVERSITY = 0.5
"""Diversity of the samples, relative to the data, below which they may be collapsing."""
CHANCE_LOSS_TOLERANCE = 0.01
"""A discriminator whose loss is this close to 2 ln 2 cannot tell real from generated images."""
SMALL_DATASET_IMAGES = 5000
"""Data sets smaller than this are soon memorized."""
EARLY_IMAGES = 100_000
"""Images seen before which samples are still colored blobs, whatever the losses say."""
SHARED_CORES_WAITING = 0.2
"""Seconds that threads waited for a core, per second of training, that tell of other programs."""
RECENT_RECORDS = 10
"""Newest progress records whose medians tell the present balance."""


@dataclass(frozen=True)
class RunHistory:
    """Configuration and log of a run; curves are single-valued even where training went back."""

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
        """Images seen at the newest record."""
        return self.records[-1]["images_seen"] if self.records else 0

    @property
    def seconds(self) -> float:
        """Training time over all sessions."""
        return next(reversed(finite_values(self.records, "seconds")), 0.0)

    @property
    def stop_reason(self) -> str | None:
        """Why the last session ended; None while it runs, or if it ended abruptly."""
        ends = [record for record in self.records if record["event"] in ("start", "stop")]
        return str(ends[-1].get("reason", "")) if ends and ends[-1]["event"] == "stop" else None

    @property
    def images_per_second(self) -> float | None:
        """Usual images a second."""
        return _median(self.events("progress"), "img_per_sec")

    def recent(self, key: str) -> float | None:
        """Median of a field over the newest progress records."""
        return _median(self.curve("progress")[-RECENT_RECORDS:], key)

    @property
    def sign_accuracy(self) -> float | None:
        """How often the discriminator was right lately, 0..1, over real and generated images.

        None where scores have no meaningful sign (WGAN-GP).
        """
        accuracies = [self.recent(key) for key in ("sign_real", "sign_fake")]
        known = [accuracy for accuracy in accuracies if accuracy is not None]
        return sum(known) / len(known) if known else None

    @property
    def balance(self) -> Balance:
        """Whether one network is too far ahead of the other."""
        (low, high), accuracy = HEALTHY_SIGNS, self.sign_accuracy
        if accuracy is None:
            return "unknown"
        return "losing" if accuracy < low else "winning" if accuracy > high else "healthy"

    @property
    def is_early(self) -> bool:
        """Whether few images are seen, and less than a quarter of those planned."""
        planned = 1000 * self.config.training.kimg
        return self.images_seen < min(EARLY_IMAGES, planned / 4)

    @property
    def is_small_data(self) -> bool:
        """Whether the data has so few images that the networks soon memorize it."""
        images = finite_number(self.last("start").get("dataset_images")) or 0
        return 0 < images < SMALL_DATASET_IMAGES

    @property
    def loss_is_chance(self) -> bool:
        """Whether the discriminator's loss was lately that of one that cannot tell images apart."""
        loss = None if self.sign_accuracy is None else self.recent("loss_d")
        return loss is not None and abs(loss - 2 * math.log(2)) < CHANCE_LOSS_TOLERANCE

    @property
    def has_low_diversity(self) -> bool:
        """Whether the latest samples are much less diverse than the data.

        The first samples of every run are: blobs of one color are all alike.
        """
        diversity = None if self.is_early else self.diversity
        return diversity is not None and diversity < LOW_DIVERSITY

    @property
    def diversity(self) -> float | None:
        """Diversity of the latest samples; 1 is that of the data."""
        return finite_number(self.last("samples").get("diversity"))

    @property
    def dropped(self) -> Counter[str]:
        """Number of dropped steps by the step or value that was not finite."""
        known = Counter(str(record.get("where", "unknown")) for record in self.events("dropped"))
        missing = int(finite_number(self.last("progress").get("dropped")) or 0) - known.total()
        return known + Counter({"unknown": max(missing, 0)})


@dataclass(frozen=True)
class Suggestion:
    """One thing to try: why, and the command that does it."""

    reason: str
    command: str


def finite_number(value: Any) -> float | None:
    """The value if it is a finite number; a log is a file, and may hold anything."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value if known and math.isfinite(value) else None


def finite_values(records: Iterable[LogRecord], key: str) -> list[float]:
    """The finite numbers in a field of some records, in order."""
    values = (finite_number(record.get(key)) for record in records)
    return [value for value in values if value is not None]


def _median(records: Iterable[LogRecord], key: str) -> float | None:
    values = finite_values(records, key)
    return median(values) if values else None


def describe_run(history: RunHistory) -> str:
    """The state of a run in plain words, a few sentences."""
    return " ".join(
        [
            _describe_balance(history),
            *_describe_data(history),
            *_describe_samples(history),
            *_describe_problems(history),
        ]
    )


def suggest_next(history: RunHistory, run_folder: Path) -> list[Suggestion]:
    """What to try next, the most pressing first."""
    kimg = history.config.training.kimg
    done = f"{100 * history.images_seen / (1000 * kimg):.3g}% of the planned {kimg:,g} thousand"
    return [
        *_suggest_fixes(history, run_folder),
        Suggestion(
            f"Train for half an hour more, from exactly where it stopped ({done} images are done).",
            format_command("train", "--resume", run_folder, "--minutes", 30),
        ),
        Suggestion(
            "Draw sixteen images. A psi below 1 gives up some variety for quality; --psi 1 "
            "shows all the variety there is.",
            format_command(
                "generate", run_folder, "--seeds", "0-15", "--psi", 0.7, "--out", "samples.png"
            ),
        ),
    ]


def _describe_balance(history: RunHistory) -> str:
    if history.sign_accuracy is None:
        return "No progress has been recorded yet."
    right = f"right {history.sign_accuracy:.0%} of the time lately"
    if history.is_early:
        return (
            f"It is too early to judge, after {format_image_count(history.images_seen)} images: "
            "shapes usually appear after some hundred thousand, and samples are colored blobs "
            f"before. So far the discriminator is {right}."
        )
    texts: dict[Balance, str] = {
        "winning": f"The discriminator is winning: {right}, which leaves the generator little to "
        "learn from.",
        "losing": f"The discriminator is behind: {right}, so its advice is no better than chance. "
        "That is usual in the first minutes, and a sign of too much regularization later.",
        "healthy": f"The two networks are in balance: the discriminator is {right}.",
    }
    return texts[history.balance]


def _describe_data(history: RunHistory) -> list[str]:
    judged = describe_overfitting([r for r in history.curve("progress") if "r_v" in r])
    if judged and not history.is_early:
        return [judged]
    if not history.is_small_data:
        return []
    images = finite_number(history.last("start").get("dataset_images")) or 0
    return [
        f"The data has few images ({images:,.0f}): the discriminator may come to know them by "
        "heart, and samples get worse again then. Compare snapshots, and keep the best one."
    ]


def _describe_samples(history: RunHistory) -> list[str]:
    known = finite_values(history.curve("samples"), "color_distance")
    parts = []
    if len(known) > 1:
        verb = "come closer to" if known[-1] < known[0] else "not come closer to"
        parts.append(
            f"The colors of the samples have {verb} those of the data "
            f"(distance {known[0]:.3g} at first, {known[-1]:.3g} now)."
        )
    if history.diversity is not None:
        low = history.has_low_diversity
        verdict = ", which is low: they may be collapsing to few images." if low else "."
        parts.append(f"The samples are {history.diversity:.0%} as varied as the data{verdict}")
    return parts


def _describe_problems(history: RunHistory) -> list[str]:
    dropped, returns = history.dropped.total(), len(history.events("rollback"))
    parts = []
    if dropped:
        verb = "step was" if dropped == 1 else "steps were"
        parts.append(f"{dropped} {verb} dropped because of numbers that were not finite.")
    if returns:
        times = "once" if returns == 1 else f"{returns} times"
        parts.append(f"Training went back to a checkpoint {times}.")
    return parts


@dataclass(frozen=True)
class Problem:
    """Something that may be wrong with a run."""

    name: str
    """Ending of the name of the suggested run, which is a new one with other settings."""
    applies: Callable[[RunHistory], bool]
    reason: str = ""
    """Why the settings are suggested."""
    settings: Callable[[TrainingConfig], list[str]] = lambda training: []
    """The settings to suggest, as `key=value` texts; none where the hint is all."""
    hint: str = ""
    """What is said while the run trains; empty where nothing is."""
    event: str = "progress"
    """Records by which that is decided."""


def _scaled(name: str, training: TrainingConfig, factor: float) -> str:
    """An assignment of a training setting, a number or a table, times a factor."""
    scaled = map_setting(getattr(training, name), lambda value: value * factor)
    return f"training.{name}={json.dumps(scaled)}"


def _has_few_unmirrored_images(history: RunHistory) -> bool:
    return history.is_small_data and not history.config.data.mirror


PROBLEMS = (
    Problem(
        "more-r1",
        lambda history: history.balance == "winning",
        "The discriminator is winning: hold it back with a stronger R1 penalty, "
        "or add more images.",
        lambda training: [f"training.r1_gamma={4 * training.r1_gamma or 1.0:g}"],
        hint="The discriminator is winning: it is right about nearly every image, so the "
        "generator learns little. Raise the penalty (--set training.r1_gamma=...), add "
        "images, or flip them with --mirror.",
    ),
    Problem(
        "mirror",
        lambda history: history.balance == "winning" and _has_few_unmirrored_images(history),
        "There are few images: mirroring them doubles their number, "
        "if left and right do not matter.",
        lambda training: ["data.mirror=true"],
    ),
    Problem(
        "overfitting",
        lambda history: (history.recent("r_v") or 0) > COMPLETE and not history.is_early,
        hint="The discriminator overfits: images that it has never seen pass for generated ones "
        "(r_v above 1). Augment the images (--augment ada in a new run), bring more of them, or "
        "stop and keep a snapshot of before.",
    ),
    Problem(
        "leak",
        lambda history: (
            isinstance(history.config.training.augment, AdaConfig)  # DiffAugment is always on
            and (history.recent("augment_p") or 0) > LEAK_BOUND
        ),
        hint=f"Augmentation is above {LEAK_BOUND:g}: turned, shifted and recolored images begin to "
        "show in the samples. Bring more images, raise --target, or take fewer groups "
        "(--augment-groups bg).",
    ),
    Problem(
        "less-r1",
        lambda history: history.balance == "losing" and history.config.training.r1_gamma > 0,
        "The discriminator is behind: if it stays so, weaken the R1 penalty.",
        lambda training: [f"training.r1_gamma={training.r1_gamma / 4:g}"],
    ),
    Problem(
        "chance",
        lambda history: history.loss_is_chance,
        hint="The discriminator's loss stays at 2 ln 2: it cannot tell real from generated. "
        "Lower the gradient penalty (--set training.r1_gamma=...).",
    ),
    Problem(
        "batch",
        lambda history: history.has_low_diversity,
        "The samples are alike: larger batches show the discriminator more of them at once.",
        lambda training: [_scaled("batch_size", training, 2)],
        hint="The samples are much less varied than the data and may be collapsing to few. Look at "
        "the grid; go back to an earlier snapshot, raise training.r1_gamma or the batch size.",
        event="samples",
    ),
    Problem(
        "threads",
        lambda history: (history.recent("waiting") or 0) > SHARED_CORES_WAITING,
        hint="Other programs use the same processor cores, which slows training down. If this run "
        "computes with several threads, one can be much faster: stop it with Ctrl-C, and resume it "
        "with --threads 1 (numbers then differ in their last bits).",
    ),
    Problem(
        "safe",
        lambda history: history.dropped.total() > 0,
        "Steps were dropped: full precision and lower rates are safer.",
        lambda training: [
            "training.precision=fp32",
            _scaled("generator_lr", training, 0.5),
            _scaled("discriminator_lr", training, 0.5),
        ],
    ),
)


def _suggest_fixes(history: RunHistory, run_folder: Path) -> list[Suggestion]:
    return [
        Suggestion(problem.reason, _new_run_command(history.config, run_folder, settings, problem))
        for problem in PROBLEMS
        if (settings := problem.settings(history.config.training)) and problem.applies(history)
    ]


def _new_run_command(
    config: RunConfig, run_folder: Path, settings: list[str], problem: Problem
) -> str:
    """A new run beside the old one: a run resumed with other settings would be neither."""
    words = ["train", config.data.path or "DATA"]
    words += [] if config.preset == "custom" else ["--preset", config.preset]
    for setting in settings:
        words += ["--set", setting]
    out = run_folder.parent / f"{run_folder.name or 'run'}-{problem.name}"
    return format_command(*words, "--out", out)


PATIENCE = {"progress": 5, "samples": 2}
"""Records in a row by which a problem must apply before a hint is given, by event."""


class HealthMonitor:
    """Watches the records of a run while it trains, and gives each hint once."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._recent: dict[str, deque[RunHistory]] = {
            event: deque(maxlen=count) for event, count in PATIENCE.items()
        }
        self._given: set[str] = set()

    def observe(self, record: LogRecord) -> list[str]:
        """Hints that follow from a record of progress or samples and the last few before it."""
        event, recent = record["event"], self._recent[record["event"]]
        recent.append(RunHistory(self.config, [record]))
        if len(recent) < PATIENCE[event]:
            return []
        lasting = [p.hint for p in PROBLEMS if p.event == event and all(map(p.applies, recent))]
        hints = [hint for hint in lasting if hint and hint not in self._given]
        self._given.update(hints)
        return hints
