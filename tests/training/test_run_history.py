import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from stylesmith.config import RunConfig, apply_overrides
from stylesmith.training.run_history import (
    RunHistory,
    describe_run,
    finite_number,
    suggest_next,
)

RUN = Path("runs/my faces")


def history(*records, **settings):
    config = RunConfig(preset="auto").change(
        data={"path": "/data/my faces.zip"}, training={"kimg": 100, **settings}
    )
    return RunHistory(config, [{"time": "", "steps": 0, "images_seen": 0, **r} for r in records])


def tick(images=1000, real=0.7, fake=0.7, **fields):
    signs = {"sign_real": real, "sign_fake": fake}
    return {"event": "progress", "images_seen": images, **signs, **fields}


def commands(told):
    return [shlex.split(item.command) for item in suggest_next(told, RUN)]


def settings(told):
    """What the suggested new runs change."""
    found = [c for c in commands(told) if "--set" in c]
    assert all(
        c[:5] == ["stylesmith", "train", "/data/my faces.zip", "--preset", "auto"] for c in found
    )
    assert all(c[-2] == "--out" and c[-1] != str(RUN) for c in found)  # never over the old run
    return [value for c in found for flag, value in pairwise(c) if flag == "--set"]


@pytest.mark.parametrize(
    "real, fake, balance",
    [
        (0.99, 0.98, "winning"),
        (0.4, 0.45, "losing"),
        (0.7, 0.8, "healthy"),
        (None, None, "unknown"),
    ],
)
def test_score_signs_tell_who_is_ahead(real, fake, balance):
    assert history(tick(real=real, fake=fake)).balance == balance


def test_only_recent_ticks_judge_the_present():
    early = [tick(i, 0.99, 0.99) for i in range(1, 30)]
    late = [tick(i, 0.7, 0.7) for i in range(30, 50)]
    assert history(*early, *late).balance == "healthy"
    assert history(*late, *early).balance == "winning"  # went back: the late ones were replaced


def test_curves_stay_single_valued_after_training_went_back():
    told = history(tick(10), tick(20), tick(30), tick(20, loss_g=2.0), tick(25))
    assert [record["images_seen"] for record in told.curve("progress")] == [10, 20, 25]
    assert told.curve("progress")[1]["loss_g"] == 2.0


def test_a_healthy_run_is_told_to_go_on_and_to_draw():
    told = history(tick(25_000))
    resume, draw = commands(told)
    assert resume == ["stylesmith", "train", "--resume", str(RUN), "--minutes", "30"]
    assert draw[:3] == ["stylesmith", "generate", str(RUN)] and "0-15" in draw
    assert "25% of the planned 100 thousand" in suggest_next(told, RUN)[0].reason
    assert "in balance" in describe_run(told)


def test_a_winning_discriminator_calls_for_more_r1():
    assert settings(history(tick(real=1, fake=1), r1_gamma=0.5)) == ["training.r1_gamma=2"]
    assert settings(history(tick(real=1, fake=1), r1_gamma=0)) == ["training.r1_gamma=1"]


def test_a_losing_discriminator_calls_for_less_r1_where_there_is_any():
    assert settings(history(tick(real=0.3, fake=0.3), r1_gamma=2)) == ["training.r1_gamma=0.5"]
    assert settings(history(tick(real=0.3, fake=0.3), r1_gamma=0)) == []


def test_few_images_call_for_mirroring_only_where_the_discriminator_wins():
    start = {"event": "start", "dataset_images": 800}
    assert "data.mirror=true" in settings(history(start, tick(real=1, fake=1)))
    assert settings(history(start, tick())) == []


def test_samples_that_are_alike_call_for_larger_batches():
    alike = {"event": "samples", "diversity": 0.2, "images_seen": 50_000}
    told = history(tick(50_000), alike)
    assert settings(told) == ["training.batch_size=64"]
    assert "collapsing" in describe_run(told)
    first = history(tick(1000), alike | {"images_seen": 1000})  # those of every run are
    assert settings(first) == [] and "collapsing" not in describe_run(first)
    assert settings(history(tick(), {"event": "samples", "diversity": 0.9})) == []


def test_dropped_steps_call_for_safer_numbers():
    told = history(tick(), {"event": "dropped", "where": "loss_d"})
    assert settings(told)[0] == "training.precision=fp32"
    assert "1 step was dropped" in describe_run(told)


def test_every_suggested_setting_is_accepted():
    told = history(
        {"event": "start", "dataset_images": 800},
        tick(50_000, real=1, fake=1, dropped=3),
        {"event": "samples", "diversity": 0.2, "images_seen": 50_000},
    )
    suggested = settings(told)
    assert len(suggested) == 6
    assert apply_overrides(told.config, suggested) != told.config


def test_dropped_steps_count_by_place_and_include_unplaced_ones():
    drops = [{"event": "dropped", "where": place} for place in ("loss_d", "loss_d", "loss_g")]
    assert history(*drops, tick(dropped=0)).dropped == {"loss_d": 2, "loss_g": 1}
    assert history(*drops, tick(dropped=5)).dropped == {"loss_d": 2, "loss_g": 1, "unknown": 2}


def test_the_end_is_that_of_the_last_session():
    start, stop = {"event": "start"}, {"event": "stop", "reason": "done"}
    assert history(start, stop).stop_reason == "done"
    assert history(start, stop, start).stop_reason is None
    assert history().stop_reason is None


def test_what_is_no_number_is_none():
    assert [finite_number(v) for v in (1, 0.5, True, "1", None, float("nan"), [])] == [
        1, 0.5, None, None, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(("seen", "early"), [(1000, True), (24_000, True), (25_000, False)])
def test_networks_are_judged_only_after_enough_images(seen, early):
    text = describe_run(history(tick(seen)))
    assert ("too early to judge" in text) == early
    assert ("in balance" in text) != early


@pytest.mark.parametrize(
    ("images", "few"), [(900, True), (4999, True), (5000, False), (None, False)]
)
def test_few_images_are_told(images, few):
    start = {"event": "start", "images_seen": 0, "dataset_images": images}
    text = describe_run(history(start, tick(25_000)))
    assert ("few images" in text) == few
    assert not few or f"({images:,})" in text
