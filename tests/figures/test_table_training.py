"""`table --run`: rows are trained with equal budgets, go on where they stopped, fill the table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stylesmith import runs
from stylesmith.choices import ProtocolName
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import ConfigError, DataError, RunError, UsageError
from stylesmith.figures.tables import table_training
from stylesmith.figures.tables.metric_tables import find_table
from stylesmith.figures.tables.table_output import FilledTable
from stylesmith.figures.tables.table_training import (
    SCALE_CHANGES,
    TableTraining,
    choose_rows,
    measurable_snapshots,
    train_table,
)
from stylesmith.metrics import evaluate as metrics_module
from stylesmith.metrics.protocol import Metric, parse_metrics
from stylesmith.models import load
from stylesmith.runs import RunComparison, run_comparison
from stylesmith.runs.run_comparison import wall_minutes
from stylesmith.training.estimate import Forecast
from stylesmith.training.log import read_log
from stylesmith.training.trainer import RunLimits
from tests.metrics.fakes import FakeDistance, FakeExtractor
from tests.support import CPU, differing, make_photos

METRICS = "fd_random_32,pl2_random_wend_8"
ROWS = ("stylegan2-a", "stylegan2-e")
"""One that grows, and one that doesn't."""
TINY = (
    "generator.channel_base=64",
    "generator.max_channels=8",
    "generator.mapping.layers=2",
    "discriminator.channel_base=64",
    "discriminator.max_channels=8",
    "training.batch_size=4",
    "training.precision=fp32",
    "output.grid_images=4",
)


@pytest.fixture(autouse=True)
def fake_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks without weights, and a cache of this test's own."""
    monkeypatch.setattr(metrics_module, "open_extractor", lambda name, device: FakeExtractor(name))
    monkeypatch.setattr(metrics_module, "open_distance", lambda name, device: FakeDistance(name))
    monkeypatch.setenv("STYLESMITH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def make_training(tmp_path: Path) -> Callable[..., TableTraining]:
    """Two rows of StyleGAN2's Table 1 at 16x16, for 20 images each."""
    dataset = open_dataset(make_photos(tmp_path / "photos", size=16))
    data = runs.make_data_config(
        dataset, conditional=False, mirror=False, skip_bad=False, resize=False
    )
    metrics = parse_metrics(METRICS)

    def build(
        out: str = "out",
        *,
        table: str = "stylegan2-1",
        rows: Sequence[str] = ROWS,
        scale: ProtocolName = "small",
        metrics: Sequence[Metric] | None = metrics,
        **budget_and_settings: Any,
    ) -> TableTraining:
        shared = {"kimg": 0.02, "minutes": None, "settings": TINY} | budget_and_settings
        comparison = RunComparison(
            out=tmp_path / out,
            dataset=dataset,
            data=data,
            device=CPU,
            changes=SCALE_CHANGES[scale],
            folder_option="--out-runs",
            **shared,
        )
        chosen = find_table(table)
        return TableTraining(chosen, choose_rows(chosen, rows), comparison, scale, metrics)

    return build


def fill(training: TableTraining) -> tuple[FilledTable, list[str], list[FilledTable]]:
    """The table, what was said, and every table written on the way."""
    said: list[str] = []
    written: list[FilledTable] = []
    return train_table(training, notify=said.append, on_table=written.append), said, written


def test_a_table_fills_itself_and_is_the_same_when_rows_stopped_on_the_way(
    make_training, monkeypatch
):
    at_once, _, written = fill(make_training("whole"))
    assert len(written) == len(ROWS)
    measured = {row[0]: row[4] for row in at_once.rows if row[4] is not None}
    assert measured.keys() == set(ROWS) and len(set(measured.values())) == 2
    assert {row[0]: row[4] for row in written[0].rows if row[4] is not None}.keys() == {ROWS[0]}

    training = make_training("stopped")
    run = training.runs.run_folder(ROWS[0])
    with monkeypatch.context() as patch:
        short = RunLimits(minutes=2e-4)
        patch.setattr(RunComparison, "remaining_limits", lambda comparison, spent: short)
        while not run.checkpoints() or int(run.checkpoints()[0].stem) == 0:  # until a step was made
            training.runs.train(ROWS[0], lambda text: None)
    assert not training.runs.is_complete(ROWS[0])
    resumed, said, _ = fill(training)
    assert [text for text in said if text.startswith("stylegan2-a: goes on after ")]
    assert resumed.rows == at_once.rows

    newest = [
        make_training(out).runs.run_folder(ROWS[0]).snapshots()[0] for out in ("whole", "stopped")
    ]
    first, second = [load(path, device="cpu").state_dict() for path in newest]
    assert newest[0].name == newest[1].name and differing(first, second) == []

    again, said, _ = fill(training)
    assert [text for text in said if "measuring" in text or "new run" in text] == []
    assert again == resumed


def test_growing_rows_are_laid_out_for_the_budget_and_measured_at_full_size_only(make_training):
    training = make_training(rows=["stylegan2-a"])
    config = training.runs.config("stylegan2-a", kimg=0.04)
    assert config.training.growth is not None
    assert config.training.growth.grown_kimg(config.generator.levels) < 0.04
    assert config.training.growth.train_kimg == pytest.approx(600 * 0.04 / 25000)
    filled, _, _ = fill(training)
    lines = [
        json.loads(line) for line in training.metrics_file("stylegan2-a").read_text().splitlines()
    ]
    assert {line["protocol"] for line in lines} == set(METRICS.split(","))
    assert "Each measured row was trained for 0.02 thousand images on cpu." in filled.notes


def test_the_others_are_measured_of_the_best_alone(make_training):
    training = make_training(rows=["stylegan2-e"])
    fill(training)
    lines = [
        json.loads(line) for line in training.metrics_file("stylegan2-e").read_text().splitlines()
    ]
    distances = [line for line in lines if line["protocol"] == "fd_random_32"]
    assert len(distances) == len(measurable_snapshots(training.runs.run_folder("stylegan2-e"))) == 5
    (length,) = [line for line in lines if line["protocol"] == "pl2_random_wend_8"]
    assert length["model"] == min(distances, key=lambda line: line["value"])["model"]


def test_the_scale_decides_networks_and_metrics(make_training):
    training = make_training(metrics=None, settings=())
    names = [metric.name for metric in training.metrics_of("stylegan2-e")]
    assert names == ["fd_random_5k", "pl2_random_wend_2k", "pr_random_5k3"]
    config = training.runs.config("stylegan2-e", kimg=1.0)
    sizes = config.generator.max_channels, config.generator.mapping.z_dim, config.generator.w_dim
    assert sizes == (64, 128, 128) and config.training.batch_size == 16
    paper = make_training(metrics=None, settings=(), scale="paper")
    names = [metric.name for metric in paper.metrics_of("stylegan2-e")]
    assert names == ["fid50k", "ppl2_wend_50k", "pr50k3"]
    config = paper.runs.config("stylegan2-e", kimg=1.0)
    assert config.generator.max_channels == 512 and config.training.batch_size == 32


def test_each_row_is_measured_in_its_own_space(make_training):
    training = make_training(table="stylegan-4", rows=[], metrics=None)
    assert [metric.name for metric in training.metrics_of("stylegan-b-map8")] == [
        "fd_random_5k",
        "pl_random_zfull_2k",
        "pl_random_wfull_2k",
    ]
    names = [metric.name for metric in training.metrics_of("stylegan-f-map2")]
    assert names == ["fd_random_5k", "pl_random_wfull_2k"]


def test_minutes_are_a_budget_of_all_sessions(make_training):
    training = make_training(kimg=None, minutes=0.01, rows=["stylegan2-e"])
    filled, _, _ = fill(training)
    run = training.runs.run_folder("stylegan2-e")
    assert wall_minutes(read_log(run.log)) >= 0.01
    assert training.runs.is_complete("stylegan2-e")
    assert not replace(training.runs, minutes=60.0).is_complete("stylegan2-e")
    assert "Each measured row was trained for 0.01 minutes on cpu." in filled.notes


def test_other_settings_don_t_go_on_with_a_row(make_training):
    training = make_training(rows=["stylegan2-e"])
    fill(training)
    other = make_training(rows=["stylegan2-e"], settings=(*TINY, "training.r1_gamma=3"))
    with pytest.raises(ConfigError, match=r"was trained with training.r1_gamma 100.0, now it is 3"):
        fill(other)


def test_a_row_that_fails_leaves_the_others(make_training, monkeypatch):
    start = run_comparison.start

    def fail_first(config, *rest, **options):
        if config.preset == ROWS[0]:
            raise RunError("steps were not finite")
        return start(config, *rest, **options)

    monkeypatch.setattr(run_comparison, "start", fail_first)
    written: list[FilledTable] = []
    with pytest.raises(RunError, match="stylegan2-a: failed"):
        train_table(make_training(), notify=lambda text: None, on_table=written.append)
    assert "stylegan2-a: failed: steps were not finite" in written[-1].notes
    assert [row[0] for row in written[-1].rows if row[4] is not None] == [ROWS[1]]


def test_what_cannot_be_measured_is_refused_before_any_work(make_training, monkeypatch):
    monkeypatch.setattr(FakeExtractor, "min_size", 64)
    with pytest.raises(DataError, match="too small"):
        fill(make_training())
    assert not make_training().runs.out.exists()


def test_rows_are_those_for_any_images_unless_named(make_training):
    table = make_training().table
    assert [row.name[-1] for row in choose_rows(table, [])] == list("abcdef") + ["e"]
    with pytest.raises(UsageError, match="--rows stylegan2-z: stylegan2-1 has the rows"):
        choose_rows(table, ["stylegan2-z"])
    lsun = find_table("stylegan2-3")
    with pytest.raises(UsageError, match="each row is of one data set"):
        choose_rows(lsun, [])


def test_one_process_is_wanted(make_training, monkeypatch):
    monkeypatch.setattr(table_training.distributed, "planned_world_size", lambda: 2)
    with pytest.raises(UsageError, match="trains in one process"):
        fill(make_training())


def test_a_schedule_is_laid_out_for_the_images_that_fit_into_the_minutes(
    make_training, monkeypatch
):
    asked = []

    def forecast(config, *rest):
        asked.append(config.training.kimg)
        return Forecast(memory_bytes=0, images_per_second=0.0, seconds=4.0)

    monkeypatch.setattr(run_comparison, "forecast", forecast)
    training = make_training(kimg=None, minutes=10.0)
    assert training.runs.kimg_in_time("stylegan2-a") == 150  # 600 seconds, 4 for a thousand
    assert asked == [1.0]
