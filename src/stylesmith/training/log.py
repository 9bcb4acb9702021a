"""What a run says while it trains: JSON lines on disk and TensorBoard; the live view is next door.

Every line of log.jsonl holds the event, the time (ISO, UTC) and both clocks, `images_seen` and
`steps`. Only the main process writes or shows anything.
"""

import contextlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from stylesmith import files
from stylesmith.errors import ModelError, OutputError, UsageError
from stylesmith.training.live import LiveView

__all__ = ["LiveView", "LogRecord", "RunLog", "TensorBoardWriter", "read_log"]

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
            OutputError: If the disk is full or gone.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        clocks = {"event": event, "time": now, "images_seen": images_seen, "steps": steps}
        record: LogRecord = _replace_non_finite(clocks | fields)
        try:
            self._stream.write(json.dumps(record, allow_nan=False) + "\n")
            self._stream.flush()
        except OSError as error:
            raise _write_error(self.path, error) from error
        return record

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
        record = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(record, dict) and isinstance(record.get("event"), str)
    return record if whole and isinstance(record.get("images_seen"), int) else None


def _replace_non_finite(value: Any) -> Any:
    """The value as JSON can hold it, which knows neither NaN nor infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_non_finite(item) for item in value]
    return value


def _write_error(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: the log cannot be written ({error.strerror}). Free some space or make the "
        "folder writable, then go on with `stylesmith train --resume`."
    )
