"""`stylesmith table`: the tables of both papers on the terminal and in files."""

import json
import re
from pathlib import Path

import pytest

from stylesmith.figures.tables.table_output import NO_VALUE


@pytest.fixture
def metric_file(tmp_path: Path) -> Path:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps({"protocol": "fid50k", "part": None, "value": 3.25}) + "\n")
    return path


def test_list_shows_nine_tables(cli):
    result = cli("table", "--list")
    assert result.status == 0, result.err
    found = re.findall(r"^ (stylegan2?-\d)", result.out, re.M)
    assert found == [f"stylegan-{i}" for i in range(1, 5)] + [f"stylegan2-{i}" for i in range(1, 6)]


def test_a_table_is_printed_as_markdown(cli, metric_file):
    result = cli("table", "stylegan2-1", f"stylegan2-f={metric_file}")
    assert result.status == 0, result.err
    (line,) = [line for line in result.out.splitlines() if line.startswith("| stylegan2-f |")]
    assert f"| 2.84 | 3.25 | 145.0 | {NO_VALUE} |" in line


@pytest.mark.parametrize("suffix", [".md", ".csv", ".html"])
def test_a_table_is_written(cli, tmp_path, metric_file, suffix):
    out = tmp_path / f"new/table{suffix}"
    words = ("table", "stylegan2-1", f"stylegan2-f={metric_file}", "--out", out)
    result = cli(*words)
    assert result.status == 0, result.err
    assert "3.25" in out.read_text() and result.out == f"StyleGAN2, Table 1 -> {out}\n"
    assert "exists already" in cli(*words).error()
    assert cli(*words, "--force").status == 0


def test_compute_cost_comes_from_the_log_of_a_run(cli, finished_run):
    result = cli("table", "stylegan2-5", finished_run.path, "--watts", 100)
    assert result.status == 0, result.err
    (row,) = [line for line in result.out.splitlines() if line.startswith(f"| {finished_run.path}")]
    hours, years, energy = (float(cell) for cell in row.strip("| ").split(" | ")[-3:])
    assert 0 < hours < 1 and years == pytest.approx(hours / 8766, rel=1e-3)
    assert energy == pytest.approx(hours / 10, rel=1e-3)


@pytest.mark.usefixtures("fake_networks")
def test_run_trains_rows_and_writes_the_table(cli, photos, tmp_path):
    out = tmp_path / "runs"
    words = ["table", "stylegan2-1", "--run", "--data", photos, "--kimg", 0.016, "--out-runs", out]
    words += ["--rows", "stylegan2-e", "--metrics", "fd_random_8", "--device", "cpu"]
    words += ["--set", "generator.max_channels=4", "--set", "discriminator.max_channels=4"]
    first = cli(*words)
    assert first.status == 0, first.err
    assert "stylegan2-1: 1 row of 0.016 thousand images each" in first.out
    (row,) = [line for line in first.out.splitlines() if line.startswith("| stylegan2-e |")]
    assert {path.name for path in out.glob("table.*")} == {"table.md", "table.csv", "table.html"}
    assert row in (out / "table.md").read_text()
    again = cli(*words)
    assert "stylegan2-e: complete" in again.out and row in again.out
    placed = cli("table", "stylegan2-1", out / "stylegan2-e.jsonl")
    assert row in placed.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a table"),
        (("stylegan3-1",), "did you mean 'stylegan-1'? `stylesmith table --list`"),
        (("stylegan2-1", "--out", "x.pdf"), "wanted a .md, .csv, .html file"),
        (("stylegan2-1", "gone"), "gone: not there; wanted a run folder"),
        (("stylegan2-1", "--watts", "5"), "--watts: has no effect on stylegan2-1"),
        (("stylegan2-1", "--minutes", "5"), "--minutes: wanted --run too"),
        (("stylegan2-1", "--run", "--minutes", "5"), "--run: wanted --data too"),
        (("stylegan2-1", "--run", "--data", "x"), "either --minutes or --kimg"),
        (("stylegan2-1", "--run", "--data", "x", "--kimg", "inf"), "--kimg inf: wanted a finite"),
        (("stylegan2-1", "--run", "a=b", "--data", "x", "--kimg", "1"), "leave a=b out"),
        (("stylegan2-5", "--run"), "stylegan2-5 has no rows to train"),
    ],
)
def test_what_cannot_be_followed_is_one_line(cli, words, message):
    assert message in cli("table", *words).error()


def test_runs_of_other_rows_and_without_metrics_are_one_line(cli, finished_run):
    assert "holds no metrics" in cli("table", "stylegan2-1", finished_run.path).error()
