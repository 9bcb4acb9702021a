"""Separability of synthetic latents with known answers."""

import sys

import numpy as np
import pytest

from stylesmith.errors import UsageError
from stylesmith.metrics.separability import (
    conditional_entropy,
    confident_half,
    linear_separability,
)

NAMES = ["a", "b", "c"]


def latents(count: int = 4000, dimension: int = 6) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, dimension))


def test_directions_with_a_gap_are_perfectly_separable():
    """The confident half keeps away from the hyperplane, so that nothing is mistaken."""
    points = latents()
    found = linear_separability(points, points[:, :3] * 10, NAMES)
    assert found.score == 1
    assert found.entropies == {"a": 0, "b": 0, "c": 0}


def test_balanced_labels_that_latents_do_not_tell_cost_a_bit_each():
    logits = np.random.default_rng(1).choice([-1.0, 1.0], (4000, 3))
    found = linear_separability(latents(), logits, NAMES)
    assert found.score == pytest.approx(2**3, rel=0.02)
    assert found.score <= 2**3


def test_attributes_add_up():
    points = latents()
    unknown = np.random.default_rng(1).choice([-1.0, 1.0], 4000)
    found = linear_separability(
        points, np.stack([points[:, 0], unknown], axis=1), ["told", "untold"]
    )
    assert found.entropies["told"] == 0
    assert found.score == pytest.approx(2, rel=0.02)


def test_an_attribute_that_all_have_costs_nothing():
    logits = np.full((4000, 1), 3.0)
    assert linear_separability(latents(), logits, ["all"]).score == 1


def test_the_curved_border_of_a_ball_is_no_hyperplane():
    points = latents()
    inside = 2.3 - np.linalg.norm(points, axis=1, keepdims=True)
    assert linear_separability(points, inside, ["inside"]).score > 1.5


def test_the_confident_half_is_farthest_from_0():
    kept = confident_half(np.array([0.1, -5.0, 0.2, 3.0, -0.3, 0.0, 4.0]))
    assert sorted(kept) == [1, 3, 6]


def test_entropy_is_that_of_the_table_of_counts():
    given = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1], bool)
    quarter = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert conditional_entropy(given, labels) == pytest.approx(0.5 * quarter)
    assert conditional_entropy(labels, labels) == 0
    assert conditional_entropy(~labels, labels) == 0


def test_scikit_learn_is_asked_for_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(UsageError, match=r'pip install "stylesmith\[metrics\]"'):
        linear_separability(latents(10), np.ones((10, 1)), ["a"])
