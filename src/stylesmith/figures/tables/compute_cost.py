"""Compute time and energy of runs beside the paper's (StyleGAN2, Table 5, appendix F)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from stylesmith.errors import ModelError
from stylesmith.figures.tables.measurements import UNCONFIRMED_NOTE, UNMEASURED_NOTE
from stylesmith.figures.tables.metric_tables import COMPUTE_COST_TABLE, PUBLISHED_COMPUTE_COSTS
from stylesmith.figures.tables.table_output import ColumnHeader, FilledTable, TableCell
from stylesmith.formatting import format_count
from stylesmith.models import RunFolder
from stylesmith.runs.run_comparison import LoggedSession, logged_sessions
from stylesmith.training.log import read_log

HOURS_PER_YEAR = 365.25 * 24


def compute_cost_table(sources: Sequence[str], *, watts: float | None) -> FilledTable:
    """The paper's compute cost, then a row for each run, and their total.

    Args:
        sources: Run folders.
        watts: Power that one device draws, as measured or stated elsewhere; None leaves
            energy open.

    Raises:
        ModelError: If a source is no run.
    """
    power = "kWh" if watts is None else f"kWh, at {watts:g} W a device"
    heads = [
        *map(ColumnHeader, COMPUTE_COST_TABLE.labels),
        *(ColumnHeader(title, "published") for title in ("GPU years", "MWh")),
        ColumnHeader("device-hours", "measured"),
        *(ColumnHeader(title, "computed") for title in ("device-years", power)),
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
    return FilledTable(COMPUTE_COST_TABLE.title, caption, heads, rows, notes)


def _cost_cells(sessions: Sequence[LoggedSession], watts: float | None) -> list[TableCell]:
    hours = sum(session.seconds * session.processes for session in sessions) / 3600
    return [hours, hours / HOURS_PER_YEAR, None if watts is None else hours * watts / 1000]


def _cost_notes(spent: dict[Path, list[LoggedSession]], watts: float | None) -> Iterable[str]:
    if watts is not None:
        yield f"Energy is computed from a stated power of {watts:g} W a device, not measured."
    elif spent:
        yield "Energy needs the power of one device: --watts."
    if spent:
        yield "Device-hours are the wall time of all sessions times their processes."
    for path, sessions in spent.items():
        devices = dict.fromkeys(f"{each.processes} x {each.device}" for each in sessions)
        yield f"{path}: {format_count(len(sessions), 'session')} on {', '.join(devices)}."


def _read_sessions(path: Path) -> list[LoggedSession]:
    run = RunFolder(path)
    if not run.log.is_file():
        raise ModelError(
            f"{path}: not a run folder with a log, which {COMPUTE_COST_TABLE.id} is made from"
        )
    records = read_log(run.log)
    if not records:
        raise ModelError(f"{run.log}: is empty; the run has not begun")
    return logged_sessions(records)
