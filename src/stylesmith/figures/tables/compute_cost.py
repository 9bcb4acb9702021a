"""Compute time and energy of runs beside the paper's (StyleGAN2, Table 5, appendix F)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.tables.measurements import UNCONFIRMED_NOTE, UNMEASURED_NOTE
from stylesmith.figures.tables.metric_tables import COMPUTE_COST_ID, PUBLISHED_COMPUTE_COSTS
from stylesmith.figures.tables.table_output import ColumnHeader, FilledTable, TableCell
from stylesmith.models import RunFolder
from stylesmith.training.log import read_log
from stylesmith.training.run_history import LogRecord, finite_number

COMPUTE_COST_TABLE = (
    COMPUTE_COST_ID,
    "StyleGAN2, Table 5",
    "Computational effort and electricity of runs.",
)
HOURS_PER_YEAR = 365.25 * 24


@dataclass(frozen=True)
class LoggedSession:
    """One uninterrupted stretch of a run."""

    seconds: float
    """Wall time, with grids, measurements and checkpoints."""
    processes: int
    """Each uses one device."""
    device: str


def logged_sessions(records: Iterable[LogRecord]) -> list[LoggedSession]:
    """The stretches that a log tells of; work that was lost to a crash is not in it."""
    stretches: list[list[LogRecord]] = []
    for record in records:
        if record["event"] == "start" or not stretches:
            stretches.append([])
        stretches[-1].append(record)
    return [
        LoggedSession(
            (_record_time(stretch[-1]) - _record_time(stretch[0])).total_seconds(),
            int(finite_number(stretch[0].get("processes")) or 1),
            str(stretch[0].get("device", "unknown device")),
        )
        for stretch in stretches
    ]


def wall_minutes(records: Iterable[LogRecord]) -> float:
    """Wall time of all sessions."""
    return sum(session.seconds for session in logged_sessions(records)) / 60


def compute_cost_table(sources: Sequence[str], *, watts: float | None) -> FilledTable:
    """The paper's expense, then a row for each run, and their total.

    Args:
        sources: Run folders.
        watts: Power that one device draws, as somebody measured or looked it up; None leaves
            energy open.

    Raises:
        ModelError: If a source is no run.
    """
    power = "kWh" if watts is None else f"kWh, at {watts:g} W a device"
    heads = [
        ColumnHeader("item"),
        ColumnHeader("GPU years", "published"),
        ColumnHeader("MWh", "published"),
        ColumnHeader("device-hours", "measured"),
        ColumnHeader("device-years", "computed"),
        ColumnHeader(power, "computed"),
    ]
    rows: list[list[TableCell]] = [
        [item, *numbers, None, None, None] for item, numbers in PUBLISHED_COMPUTE_COSTS.items()
    ]
    spent = {Path(source): _read_sessions(Path(source)) for source in sources}
    rows += [[str(path), None, None, *_cost_cells(each, watts)] for path, each in spent.items()]
    if len(spent) > 1:
        every = [session for each in spent.values() for session in each]
        rows.append(["all runs", None, None, *_cost_cells(every, watts)])
    caption = (
        "Computational effort and electricity consumption. GPU years are those of one NVIDIA V100; "
        "device-hours are those of the devices named below."
    )
    notes = [UNCONFIRMED_NOTE, UNMEASURED_NOTE, *_cost_notes(spent, watts)]
    return FilledTable("StyleGAN2, Table 5", caption, heads, rows, notes)


def _cost_cells(stretches: Sequence[LoggedSession], watts: float | None) -> list[TableCell]:
    hours = sum(session.seconds * session.processes for session in stretches) / 3600
    return [hours, hours / HOURS_PER_YEAR, None if watts is None else hours * watts / 1000]


def _cost_notes(spent: dict[Path, list[LoggedSession]], watts: float | None) -> Iterable[str]:
    if watts is not None:
        yield f"Energy is computed from a stated power of {watts:g} W a device, not measured."
    elif spent:
        yield "Energy needs the power of one device: --watts."
    if spent:
        yield "Device-hours are the wall time of all sessions times their processes."
    for path, stretches in spent.items():
        places = dict.fromkeys(f"{each.processes} x {each.device}" for each in stretches)
        count = f"{len(stretches)} session{'s' if len(stretches) > 1 else ''}"
        yield f"{path}: {count} on {', '.join(places)}."


def _read_sessions(path: Path) -> list[LoggedSession]:
    run = RunFolder(path)
    if not run.log.is_file():
        raise ModelError(
            f"{path}: not a run folder with a log, which {COMPUTE_COST_ID} is made from"
        )
    records = read_log(run.log)
    if not records:
        raise ModelError(f"{run.log}: is empty; the run has not begun")
    return logged_sessions(records)


def _record_time(record: LogRecord) -> datetime:
    try:
        return datetime.fromisoformat(str(record["time"]))
    except (KeyError, ValueError):
        raise UsageError(
            f"the log record {record.get('event')!r} has no time; wanted a log as `stylesmith "
            "train` writes it"
        ) from None
