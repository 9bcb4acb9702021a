"""Compute and electricity of your own runs beside the paper's (StyleGAN2, Table 5, appendix F)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.tables.catalog import EXPENSE_ID
from stylesmith.figures.tables.fill import UNCONFIRMED, UNMEASURED
from stylesmith.figures.tables.published import EXPENSES
from stylesmith.figures.tables.sheet import Cell, Head, Sheet
from stylesmith.models import RunFolder
from stylesmith.training.advice import Record, number
from stylesmith.training.log import read_log

EXPENSE = (EXPENSE_ID, "StyleGAN2, Table 5", "Computational effort and electricity of runs.")
HOURS_A_YEAR = 365.25 * 24


@dataclass(frozen=True)
class Session:
    """One uninterrupted stretch of a run."""

    seconds: float
    """Wall time, with grids, measurements and checkpoints."""
    processes: int
    """Each uses one device."""
    device: str


def sessions(records: Iterable[Record]) -> list[Session]:
    """The stretches that a log tells of; work that was lost to a crash is not in it."""
    stretches: list[list[Record]] = []
    for record in records:
        if record["event"] == "start" or not stretches:
            stretches.append([])
        stretches[-1].append(record)
    return [
        Session(
            (_time(stretch[-1]) - _time(stretch[0])).total_seconds(),
            int(number(stretch[0].get("processes")) or 1),
            str(stretch[0].get("device", "unknown device")),
        )
        for stretch in stretches
    ]


def minutes_spent(records: Iterable[Record]) -> float:
    """Wall time of all sessions."""
    return sum(session.seconds for session in sessions(records)) / 60


def expense_sheet(sources: Sequence[str], *, watts: float | None) -> Sheet:
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
        Head("item"),
        Head("GPU years", "published"),
        Head("MWh", "published"),
        Head("device-hours", "measured"),
        Head("device-years", "computed"),
        Head(power, "computed"),
    ]
    rows: list[list[Cell]] = [
        [item, *numbers, None, None, None] for item, numbers in EXPENSES.items()
    ]
    spent = {Path(source): _sessions_of(Path(source)) for source in sources}
    rows += [[str(path), None, None, *_figures(each, watts)] for path, each in spent.items()]
    if len(spent) > 1:
        every = [session for each in spent.values() for session in each]
        rows.append(["all runs", None, None, *_figures(every, watts)])
    caption = (
        "Computational effort and electricity consumption. GPU years are those of one NVIDIA V100; "
        "device-hours are those of the devices named below."
    )
    notes = [UNCONFIRMED, UNMEASURED, *_notes(spent, watts)]
    return Sheet("StyleGAN2, Table 5", caption, heads, rows, notes)


def _figures(stretches: Sequence[Session], watts: float | None) -> list[Cell]:
    hours = sum(session.seconds * session.processes for session in stretches) / 3600
    return [hours, hours / HOURS_A_YEAR, None if watts is None else hours * watts / 1000]


def _notes(spent: dict[Path, list[Session]], watts: float | None) -> Iterable[str]:
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


def _sessions_of(path: Path) -> list[Session]:
    run = RunFolder(path)
    if not run.log.is_file():
        raise ModelError(f"{path}: not a run folder with a log, which {EXPENSE_ID} is made from")
    records = read_log(run.log)
    if not records:
        raise ModelError(f"{run.log}: is empty; the run has not begun")
    return sessions(records)


def _time(record: Record) -> datetime:
    try:
        return datetime.fromisoformat(str(record["time"]))
    except (KeyError, ValueError):
        raise UsageError(
            f"the log record {record.get('event')!r} has no time; wanted a log as `stylesmith "
            "train` writes it"
        ) from None
