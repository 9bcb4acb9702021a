"""Where commands print: results on stdout, problems on stderr, progress only to a terminal.

Where several processes work together, all but the first one are silent.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

from stylesmith.callbacks import ProgressCallback, ignore_progress

if TYPE_CHECKING:
    from rich.table import Column

DEFAULT_WIDTH = 120
"""Columns of a table where no terminal limits it, as in a pipe."""

console = Console(
    highlight=False, emoji=False, width=None if sys.stdout.isatty() else DEFAULT_WIDTH
)
error_console = Console(stderr=True, highlight=False, emoji=False)


def escape_unprintable() -> None:
    """Let stdout and stderr write characters that their encoding lacks as escapes, not fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_main_process() -> bool:
    """Whether this process talks to the user, by torchrun's number; asked without torch."""
    return int(os.environ.get("RANK", 0)) == 0


def print_line(*lines: str, to: Console = console) -> None:
    """Print each text as it is, on a line of its own, by the first of several processes."""
    for line in lines if is_main_process() else ():
        to.print(line, markup=False, soft_wrap=True)


def print_problem(kind: str, text: str) -> None:
    """Print `note: ...` or `error: ...` on stderr, by whichever process meets it."""
    error_console.print(f"{kind}: {text}", markup=False, soft_wrap=True)


def print_table(
    header: "Sequence[str | Column]", rows: Iterable[Sequence[str]], **style: Any
) -> None:
    """Print a table without lines, its cells as they are; `style` goes to rich's table."""
    # Imported here, as below: `stylesmith --help` should not wait for it.
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, **style)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


@contextmanager
def progress_bar(
    description: str, total: int | None = None, *, unit: int = 1
) -> Iterator[ProgressCallback]:
    """Show a bar with rate and remaining time; nothing where stdout is not a terminal.

    Args:
        description: What is being done.
        total: How much is to be done, if known before the first call.
        unit: What counts as one in the bar, such as a million for bytes that are shown as MB.

    Yields:
        A function to be told how much is done, and of how much.
    """
    if not (console.is_terminal and is_main_process()):
        yield ignore_progress
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(description, total=total, rate="")

        def advance(done: int, total: int) -> None:
            speed = bars.tasks[0].finished_speed or bars.tasks[0].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            bars.update(task, completed=done // unit, total=total // unit, rate=rate)

        yield advance
