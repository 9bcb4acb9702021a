"""How far a long pass has come, and how long it will take."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stylesmith import distributed
from stylesmith.data.parallel import ProgressCallback

Notify = Callable[[str], None]

MIN_ANNOUNCED_SECONDS = 60
"""Seconds from which on a pass is announced with an estimate."""


@dataclass(frozen=True)
class ProgressReporter:
    """Tells progress, and an estimate once the second batch is done."""

    notify: Notify = lambda text: None
    on_progress: ProgressCallback | None = None

    def track(self, batches: Sequence[range], count: int, label: str) -> Iterator[range]:
        """The parts one by one, which this process takes of `count` images in all."""
        start = time.perf_counter()
        done = 0
        for number, part in enumerate(batches):
            if number == 2:  # the first batch pays for what only happens once
                self._announce((time.perf_counter() - start) * (len(batches) - 1), count, label)
            if number == 1:
                start = time.perf_counter()
            yield part
            done = min(count, done + len(part) * distributed.world_size())
            if self.on_progress:
                self.on_progress(done, count)

    def _announce(self, seconds: float, count: int, label: str) -> None:
        if seconds > MIN_ANNOUNCED_SECONDS:
            self.notify(f"{label}: {count:,} images, about {format_duration(seconds)}")


def format_duration(seconds: float) -> str:
    """Such as `2 min` or `3.5 h`."""
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
