"""Hints while a run trains: each once, and only when the problem lasts."""

import math

import pytest

from stylesmith.config import RunConfig
from stylesmith.training import run_history
from stylesmith.training.run_history import HealthMonitor

PATIENCE = run_history.PATIENCE["progress"]

WELL = {"sign_real": 0.8, "sign_fake": 0.75, "loss_d": 1.1}
WINNING = WELL | {"sign_real": 0.99, "sign_fake": 0.98}
IDLE = WELL | {"loss_d": 2 * math.log(2) + 0.005}


def observe(monitor: HealthMonitor, event: str, values: dict) -> list[str]:
    return monitor.observe({"event": event, "images_seen": 200_000, **values})


def hints(records: list[dict]) -> list[str]:
    monitor = HealthMonitor(RunConfig())
    return [hint for record in records for hint in observe(monitor, "progress", record)]


def test_a_healthy_run_gets_no_hints():
    assert hints([WELL] * 50) == []


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(WINNING, "discriminator is winning"), (IDLE, "stays at 2 ln 2")],
)
def test_trouble_is_said_once_and_only_when_it_lasts(trouble, words):
    assert hints([trouble] * (PATIENCE - 1)) == []
    assert hints(([trouble] * (PATIENCE - 1) + [WELL]) * 5) == []
    (hint,) = hints([WELL] * 3 + [trouble] * 30)
    assert words in hint
    assert "training.r1_gamma" in hint


def test_hints_come_as_soon_as_they_are_due():
    monitor = HealthMonitor(RunConfig())
    said = [len(observe(monitor, "progress", WINNING)) for _ in range(PATIENCE + 2)]
    assert said == [0] * (PATIENCE - 1) + [1, 0, 0]


def test_winning_on_real_images_only_is_no_trouble():
    assert hints([WINNING | {"sign_fake": 0.7}] * 20) == []


def test_two_kinds_of_trouble_are_two_hints():
    assert len(hints([WINNING] * PATIENCE + [IDLE] * PATIENCE)) == 2


def test_samples_that_are_alike_are_said_once_after_two_grids():
    monitor = HealthMonitor(RunConfig())
    diversities = (0.1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1)
    said = [observe(monitor, "samples", {"diversity": value}) for value in diversities]
    assert [len(hint) for hint in said] == [0, 0, 0, 1, 0, 0, 0]
    assert "collapsing" in said[3][0]


def test_scores_without_meaningful_signs_give_no_hints():
    """WGAN-GP's loss has no value at which the discriminator is known to guess."""
    assert hints([{"loss_d": IDLE["loss_d"]}] * 10) == []


def test_every_problem_is_hinted_at_or_answered_by_settings():
    for problem in run_history.PROBLEMS:
        suggested = problem.settings(RunConfig().training)
        assert bool(suggested) == bool(problem.reason)
        assert suggested or problem.hint


def test_cores_that_others_use_are_said_with_the_remedy():
    shared = WELL | {"waiting": 0.9}
    assert hints([WELL | {"waiting": 0.05}] * 20 + [WELL | {"waiting": None}] * 20) == []
    (hint,) = hints([shared] * 20)
    assert "Other programs use the same processor cores" in hint and "--threads 1" in hint
