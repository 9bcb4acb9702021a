"""Boundaries of attributes whose way through W is known."""

import numpy as np
import pytest
import torch

from stylesmith.errors import UsageError
from stylesmith.images import to_uint8
from stylesmith.metrics.separability import attribute_boundaries, classify_seeds
from stylesmith.sampling import SamplingPipeline
from tests.metrics.fakes import tiny_network


def test_the_normal_points_to_where_the_attribute_is():
    ws = np.random.default_rng(0).standard_normal((2000, 6))
    wanted = np.array([[1.0, -2.0, 0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    found = attribute_boundaries(ws, ws @ wanted.T, ["a", "b"])
    assert list(found) == ["a", "b"]
    for normal, direction in zip(found.values(), wanted, strict=True):
        cosine = normal @ direction / np.linalg.norm(normal) / np.linalg.norm(direction)
        assert cosine > 0.999


def test_only_what_classifiers_are_sure_of_counts():
    """Noise of those near the border does not bend it."""
    ws = np.random.default_rng(0).standard_normal((2000, 3))
    unsure = np.abs(ws[:, 0]) < 0.5
    logits = np.where(unsure, 0.01 * np.sign(ws[:, 1]), 10 * ws[:, 0])[:, None]
    (normal,) = attribute_boundaries(ws, logits, ["a"]).values()
    assert abs(normal[1]) < 0.05 * normal[0]


@pytest.mark.parametrize(("value", "words"), [(3.0, "every one"), (-3.0, "none")])
def test_an_attribute_that_all_or_none_have_has_no_boundary(value, words):
    ws = np.random.default_rng(0).standard_normal((100, 3))
    with pytest.raises(UsageError, match=f"bald: {words} of the 50 images"):
        attribute_boundaries(ws, np.full((100, 1), value), ["bald"])


class Redness:
    """A classifier of what it takes for red."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :1].float().mean(dim=(1, 2, 3))[:, None] - 127.5


def test_seeds_are_looked_at_in_order_and_in_any_number():
    pipeline = SamplingPipeline(tiny_network())
    ws, logits = classify_seeds(pipeline, Redness(), 70)
    codes = pipeline.codes(range(70))
    assert np.array_equal(ws, codes.ws[:, 0].numpy())
    wanted = Redness().features(to_uint8(pipeline.draw(codes)))
    np.testing.assert_allclose(logits, wanted, atol=1)
