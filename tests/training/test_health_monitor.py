import math

import pytest

from stylesmith.training.run_history import PATIENCE, HealthMonitor

WELL = {"sign_real": 0.8, "sign_fake": 0.75, "loss_d": 1.1}
WINNING = WELL | {"sign_real": 0.99, "sign_fake": 0.98}
IDLE = WELL | {"loss_d": 2 * math.log(2) + 0.005}


def hints(records: list[dict]) -> list[str]:
    health = HealthMonitor()
    return [hint for record in records for hint in health.after_progress(record)]


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
    health = HealthMonitor()
    said = [len(health.after_progress(WINNING)) for _ in range(PATIENCE + 2)]
    assert said == [0] * (PATIENCE - 1) + [1, 0, 0]


def test_winning_on_one_side_only_is_no_trouble():
    assert hints([WINNING | {"sign_fake": 0.7}] * 20) == []


def test_two_kinds_of_trouble_are_two_hints():
    assert len(hints([WINNING] * PATIENCE + [IDLE] * PATIENCE)) == 2


def test_samples_that_are_alike_are_said_once_after_two_grids():
    health = HealthMonitor()
    said = [health.after_samples({"diversity": d}) for d in (0.1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1)]
    assert [len(hint) for hint in said] == [0, 0, 0, 1, 0, 0, 0]
    assert "collapsing" in said[3][0]
