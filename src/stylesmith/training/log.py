"""Progress of a run: the terminal display, log.jsonl and TensorBoard.

Every line of log.jsonl holds the event, the time (ISO, UTC), `images_seen` and `steps`. Only the
main process writes or shows anything.
"""

import contextlib
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stylesmith import files
from stylesmith.errors import ModelError, OutputError, UsageError
from stylesmith.formatting import format_duration

_MAX_SPEED_MARKS = 60
"""Marks, at least half a second apart, over which the speed is measured."""


@dataclass(kw_only=True, eq=False)
class LiveView:
    """Progress in the terminal: bar, speed, time left, latest losses. Silent anywhere else.

    A run ends at a number of images, after a time, or at whichever comes first; the bar shows the
    limit that is nearer.
    """

    total_images: int | None
    """Images seen at which the run ends."""
    total_seconds: float | None
    """Seconds from now after which it ends."""
    start_images: int
    """Images seen already."""
    title: str
    """Name of the run."""
    console: Console = field(default_factory=Console)
    """Where to show it; standard output by default."""

    def __post_init__(self) -> None:
        self.images_seen = self.start_images
        self.latest: Mapping[str, Any] = {}
        self._began = time.monotonic()
        self._marks = deque([(self._began, self.start_images)], maxlen=_MAX_SPEED_MARKS)
        self._live = Live(console=self.console, get_renderable=self._render, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self.console.is_interactive:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def step(self, images_seen: int) -> None:
        """Note one training step; drawing happens elsewhere, a few times a second."""
        self.images_seen = images_seen
        now = time.monotonic()
        if now - self._marks[-1][0] >= 0.5:
            self._marks.append((now, images_seen))

    def show_record(self, record: Mapping[str, Any]) -> None:
        """Show the values of a progress record from now on."""
        self.latest = record

    def notify(self, text: str) -> None:
        """Print a line above the bar; on its own where there is no terminal."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @property
    def images_per_second(self) -> float | None:
        """Images a second over the last half minute or so; None before there is a measurement."""
        (since, before), (now, images) = self._marks[0], self._marks[-1]
        return (images - before) / (now - since) if images > before else None

    def fraction_and_seconds_left(self, elapsed: float) -> tuple[float | None, float | None]:
        """How far the run is (0..1) and the seconds left, by whichever limit ends it first."""
        fractions, left = [], []
        if self.total_images is not None:
            ahead = max(self.total_images - self.start_images, 1)
            fractions.append((self.images_seen - self.start_images) / ahead)
            if self.images_per_second:
                left.append((self.total_images - self.images_seen) / self.images_per_second)
        if self.total_seconds is not None:
            fractions.append(elapsed / max(self.total_seconds, 1e-9))
            left.append(self.total_seconds - elapsed)
        done = min(max(fractions), 1.0) if fractions else None
        return done, max(min(left), 0.0) if left else None

    def _render(self) -> Group:
        elapsed = time.monotonic() - self._began
        done, left = self.fraction_and_seconds_left(elapsed)
        bar = ProgressBar(total=None if done is None else 1.0, completed=done or 0.0, width=24)
        speed = "" if self.images_per_second is None else f"{self.images_per_second:,.1f} img/s"
        rest = "" if left is None else f"{format_duration(left)} left"
        percent = "" if done is None else f"{done:.0%}"
        row = Table.grid(padding=(0, 1))
        images = f"{self.images_seen / 1000:,.1f} kimg"
        row.add_row(Text(self.title), bar, percent, images, speed, rest)
        return Group(row, Text(self._status(elapsed), style="dim", no_wrap=True))

    def _status(self, elapsed: float) -> str:
        """Latest values in one line."""
        parts = [f"{format_duration(elapsed)} elapsed"]
        for label, keys in (
            ("loss G/D", ("loss_g", "loss_d")),
            ("signs real/fake", ("sign_real", "sign_fake")),
        ):
            values = [self.latest.get(key) for key in keys]
            if any(value is not None for value in values):
                shown = "/".join("-" if value is None else f"{value:.2f}" for value in values)
                parts.append(f"{label} {shown}")
        if self.latest.get("resolution") is not None:
            fading = f" fading in {self.latest['fade']:.0%}" if self.latest["fade"] < 1 else ""
            parts.append(f"level {self.latest['resolution']}{fading}")
        if self.latest.get("memory_gb") is not None:
            parts.append(f"{self.latest['memory_gb']:.1f} GB")
        if self.latest.get("dropped"):
            parts.append(f"{self.latest['dropped']} dropped")
        return "  ".join(parts)


LogRecord = dict[str, Any]


class RunLog:
    """The log file of a run, one JSON object a line, on disk as soon as it is written."""

    def __init__(self, path: Path, stream: TextIO):
        self.path = path
        self._stream = stream

    @classmethod
    def open(cls, path: Path, *, images_seen: int = 0) -> Self:
        """Begin a log, or go on with one from a checkpoint taken at `images_seen`.

        Records beyond the checkpoint are removed in one atomic step, so that curves have one value
        everywhere; a torn last line (after a power cut or `kill -9`) goes with them.

        Raises:
            ModelError: If a line before the last is damaged.
            OutputError: If the file cannot be written.
        """
        if path.exists():
            kept = [record for record in read_log(path) if record["images_seen"] <= images_seen]
            text = "".join(json.dumps(record) + "\n" for record in kept)
            if text.encode() != path.read_bytes():
                files.write_text(path, text)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(path, path.open("a", encoding="utf-8"))
        except OSError as error:
            raise _write_error(path, error) from error

    def write(self, event: str, *, images_seen: int, steps: int, **fields: Any) -> LogRecord:
        """Append one record and hand it back as written; NaN and infinity become null.

        Raises:
            OutputError: If the disk is full or gone, or the file has been removed.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        base = {"event": event, "time": now, "images_seen": images_seen, "steps": steps}
        text = json.dumps(base | fields)
        record: LogRecord = json.loads(text, parse_constant=lambda constant: None)
        try:
            self._stream.write(json.dumps(record, allow_nan=False) + "\n")
            self._stream.flush()
        except OSError as error:
            raise _write_error(self.path, error) from error
        self.check_present()
        return record

    def check_present(self) -> None:
        """Refuse to go on where somebody has removed the file: what follows would be half a run.

        Raises:
            OutputError: If it is gone.
        """
        if not self.path.exists():
            raise OutputError(f"{self.path.parent}: the run was removed while it was trained.")

    def close(self) -> None:
        """Close the file; every record that `write` returned is on disk already."""
        with contextlib.suppress(OSError):  # the rest of a record that found the disk full
            self._stream.close()


def read_log(path: Path) -> list[LogRecord]:
    """All records of a log in order, without a last line that was torn in writing.

    Raises:
        ModelError: If the file is missing, or a line before the last is no record.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ModelError(
            f"{path}: the log cannot be read ({error.strerror}). Wanted the log.jsonl of a run "
            "folder, which is there as soon as training has started."
        ) from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    records = []
    for number, line in numbered:
        record = _parse_record(line)
        if record is not None:
            records.append(record)
        elif number != numbered[-1][0]:
            raise ModelError(
                f"{path}: line {number} is damaged; wanted a JSON object with event and "
                "images_seen. Delete that line to go on: only a point of the curves is lost."
            )
    return records


class TensorBoardWriter:
    """Scalars of progress and sample records for TensorBoard, an optional extra."""

    def __init__(self, folder: Path, *, images_seen: int = 0):
        """Open a folder of event files.

        Args:
            folder: Where the event files go.
            images_seen: Of the checkpoint that is resumed; points beyond it are replaced.

        Raises:
            UsageError: If tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "--tensorboard: the package tensorboard is not installed. "
                'Run pip install "stylesmith[tensorboard]", or leave the option out.'
            ) from None
        self._writer = SummaryWriter(str(folder), purge_step=images_seen + 1)

    def write(self, record: Mapping[str, Any]) -> None:
        """Add the numbers of a record, as `RunLog.write` hands it back; other events are left."""
        if record["event"] not in ("progress", "samples"):
            return
        for name, value in record.items():
            if isinstance(value, int | float) and name not in ("images_seen", "steps"):
                label = f"{record['event']}/{name}"
                self._writer.add_scalar(label, value, global_step=record["images_seen"])
        self._writer.flush()

    def close(self) -> None:
        """Write what is left and close the files."""
        self._writer.close()


def _parse_record(line: bytes) -> LogRecord | None:
    try:
        record = files.parse_json(line)
    except ValueError:
        return None
    whole = isinstance(record, dict) and isinstance(record.get("event"), str)
    return record if whole and isinstance(record.get("images_seen"), int) else None


def _write_error(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: the log cannot be written ({error.strerror}). Free some space or make the "
        "folder writable, then go on with `stylesmith train --resume`."
    )
