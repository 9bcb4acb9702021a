import numpy as np
import pytest
import torch

from stylesmith.errors import DataError
from stylesmith.metrics.scores import InceptionScore


def test_clear_and_varied_images_score_the_number_of_classes():
    scores = InceptionScore(40, 4)
    scores.add(0, torch.eye(4).repeat(10, 1))
    assert scores.compute() == (pytest.approx(4), pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize("row", [[1.0, 0, 0, 0], [0.25] * 4])
def test_one_class_or_no_opinion_scores_1(row):
    scores = InceptionScore(20, 4)
    scores.add(0, torch.tensor([row]).repeat(20, 1))
    assert scores.compute() == (pytest.approx(1), pytest.approx(0, abs=1e-6))


def test_splits_are_contiguous_and_the_spread_is_the_population_one():
    p = torch.softmax(torch.randn(53, 5, dtype=torch.float64) * 2, dim=1)
    scores = InceptionScore(53, 5, splits=4)
    for start in (0, 16, 32, 48):  # parts that cross the borders of splits
        scores.add(start, p[start : start + 16])
    found = []
    for i in range(4):
        split = p[53 * i // 4 : 53 * (i + 1) // 4].numpy()
        divergence = split * (np.log(split) - np.log(split.mean(axis=0, keepdims=True)))
        found.append(np.exp(divergence.sum(axis=1).mean()))
    assert scores.compute() == pytest.approx((np.mean(found), np.std(found)), rel=1e-9)


def test_the_order_of_parts_does_not_matter():
    p = torch.softmax(torch.randn(40, 5, dtype=torch.float64), dim=1)
    forward, backward = InceptionScore(40, 5), InceptionScore(40, 5)
    for start in (0, 10, 20, 30):
        forward.add(start, p[start : start + 10])
        backward.add(30 - start, p[30 - start : 40 - start])
    assert forward.compute() == pytest.approx(backward.compute(), rel=1e-12)


def test_every_split_needs_an_image():
    with pytest.raises(DataError, match="at least 10 images, got 9"):
        InceptionScore(9, 4)
