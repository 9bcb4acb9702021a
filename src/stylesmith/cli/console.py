"""Where commands print: results on stdout, problems on stderr, progress only to a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

DEFAULT_WIDTH = 120
"""Columns of a table where no terminal limits it, as in a pipe."""

console = Console(
    highlight=False, emoji=False, width=None if sys.stdout.isatty() else DEFAULT_WIDTH
)
error_console = Console(stderr=True, highlight=False, emoji=False)


@contextmanager
def progress_bar(
    description: str, total: int | None = None
) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with rate and remaining time; nothing where stdout is not a terminal.

    Yields:
        A function to be told how much is done, and of how much.
    """
    if not console.is_terminal:
        yield lambda done, total: None
        return
    # Imported here: `stylesmith --help` should not wait for it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        Remaining(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(description, total=total, rate="")

        def advance(done: int, total: int) -> None:
            speed = bars.tasks[0].finished_speed or bars.tasks[0].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            bars.update(task, completed=done, total=total, rate=rate)

        yield advance
