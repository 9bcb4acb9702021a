"""Parallel work with results in order and a bounded number waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

from stylesmith.callbacks import ProgressCallback

T = TypeVar("T")
R = TypeVar("R")


def map_ahead(
    executor: Executor, function: Callable[[T], R], items: Iterable[T], *, ahead: int
) -> Iterator[R]:
    """Like `map`, over `executor`, with at most `ahead` results waiting to be taken.

    An error of `function` is raised in its turn; what was not begun is then dropped.
    """
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def report_progress(
    on_progress: ProgressCallback | None, done: int, total: int, *, step: int = 64
) -> None:
    """Call `on_progress` at every `step`-th item and at the end."""
    if on_progress and (done % step == 0 or done == total):
        on_progress(done, total)
