"""What training asks of whoever measures its model on the way; it knows no metrics itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from stylesmith.networks import Generator
from stylesmith.training.log import LogRecord


@dataclass(frozen=True)
class Score:
    """One number."""

    name: str
    """The exact name, such as `fid10k`."""
    value: float
    larger_is_better: bool = False


class Evaluator(Protocol):
    """Measures a generator; its draws and results depend on the generator alone."""

    def measure(self, generator: Generator) -> list[Score]:
        """Scores, the one that tells the best model first.

        All processes call it together; the main one gets scores, others an empty list.
        """


def is_best(score: Score, records: Iterable[LogRecord]) -> bool:
    """Whether a score beats all earlier ones of its name in the log."""
    earlier = [
        _logged_score(record, score.name) for record in records if record["event"] == "metrics"
    ]
    known = [value for value in earlier if value is not None]
    if score.larger_is_better:
        return all(score.value > value for value in known)
    return all(score.value < value for value in known)


def _logged_score(record: LogRecord, name: str) -> float | None:
    scores: dict[str, Any] = record.get("scores", {})
    return scores.get(name)
