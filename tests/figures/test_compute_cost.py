"""Device-hours from logs, energy from a stated power (StyleGAN2, Table 5)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stylesmith.errors import ModelError
from stylesmith.figures.tables.compute_cost import compute_cost_table
from stylesmith.figures.tables.metric_tables import PUBLISHED_COMPUTE_COSTS
from stylesmith.presets.published_results import PublishedValue
from stylesmith.runs.run_comparison import logged_sessions, wall_minutes

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def record(event: str, hour: float, **facts: object) -> dict[str, object]:
    time = (BEGIN + timedelta(hours=hour)).isoformat(timespec="milliseconds")
    return {"event": event, "time": time, "images_seen": 0, **facts}


LOG = [
    record("start", 0, processes=8, device="NVIDIA V100"),
    record("progress", 1.5),
    record("stop", 2),
    record("start", 10, processes=4, device="CPU"),  # the hours between count nothing
    record("checkpoint", 10.5),
]


def make_run(folder: Path, *records: dict[str, object]) -> str:
    folder.mkdir()
    lines = [json.dumps(each) + "\n" for each in records or LOG]
    (folder / "log.jsonl").write_text("".join(lines))
    return str(folder)


def test_sessions_end_where_their_records_end():
    found = [(each.seconds, each.processes, each.device) for each in logged_sessions(LOG)]
    assert found == [(7200, 8, "NVIDIA V100"), (1800, 4, "CPU")]
    assert wall_minutes(LOG) == 150
    assert wall_minutes([]) == 0


def test_runs_stand_below_the_paper_with_hours_and_energy(tmp_path):
    run = make_run(tmp_path / "run")
    filled = compute_cost_table([run], watts=250)
    name, years, mwh, hours, own_years, energy = filled.rows[-1]
    assert (name, years, mwh) == (run, None, None)
    assert hours == pytest.approx(2 * 8 + 0.5 * 4)
    assert own_years == pytest.approx(18 / 8766)
    assert energy == pytest.approx(18 * 0.25)
    assert "stated power of 250 W a device, not measured" in "\n".join(filled.notes)
    assert "2 sessions on 8 x NVIDIA V100, 4 x CPU" in "\n".join(filled.notes)


def test_without_a_power_energy_stays_open(tmp_path):
    filled = compute_cost_table([make_run(tmp_path / "run")], watts=None)
    assert filled.rows[-1][3] == 18 and filled.rows[-1][5] is None
    assert "--watts" in "\n".join(filled.notes)


def test_several_runs_are_added_up(tmp_path):
    short = [record("start", 0, processes=1), record("stop", 1)]
    paths = [make_run(tmp_path / "a"), make_run(tmp_path / "b", *short)]
    filled = compute_cost_table(paths, watts=1000)
    assert [row[0] for row in filled.rows[-3:]] == [*paths, "all runs"]
    assert filled.rows[-1][3] == 19 and filled.rows[-1][5] == pytest.approx(19)


def test_the_published_items_add_up_to_their_total():
    *items, total = PUBLISHED_COMPUTE_COSTS.values()
    for column in range(2):
        parts = sum(item[column].number for item in items)
        assert parts == pytest.approx(total[column].number, abs=0.015)
    assert total[1] == PublishedValue("131.61", True) and not total[0].confirmed


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a run folder with a log"):
        compute_cost_table([str(tmp_path)], watts=None)
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(ModelError, match="is empty"):
        compute_cost_table([str(tmp_path)], watts=None)
