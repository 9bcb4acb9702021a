"""Types of the functions that long work calls while it runs."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called with the amount done and the total: images, optimization steps or bytes."""

Notify = Callable[[str], None]
"""Called with one line of text for the user."""


def ignore_progress(done: int, total: int) -> None:
    """Progress that nobody waits for."""


def partial_progress(on_progress: ProgressCallback, index: int, count: int) -> ProgressCallback:
    """Progress of one of several parts that take equally long, as progress of the whole.

    Args:
        on_progress: Gets the progress of the whole.
        index: Number of the part, from 0 on.
        count: Number of parts.
    """
    return lambda done, total: on_progress(index * total + done, count * total)
