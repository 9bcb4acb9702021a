"""Streaming moments equal those of all rows at once, whatever the parts and their offset."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import DataError
from stylesmith.metrics.scores import Moments
from tests.metrics.fakes import moments_of


def rows(count: int = 50, dimension: int = 6, *, offset: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dimension) @ torch.randn(dimension, dimension) + offset


def test_moments_are_numpys():
    x = rows()
    moments = moments_of(x)
    assert moments.count == 50
    assert moments.mean.dtype == moments.covariance.dtype == torch.float64
    assert_close(moments.mean.numpy(), x.double().numpy().mean(axis=0))
    assert_close(moments.covariance.numpy(), np.cov(x.double().numpy(), rowvar=False))


@pytest.mark.parametrize("parts", [[50], [1] * 50, [7, 0, 30, 13]])
def test_parts_do_not_matter(parts):
    x, moments = rows(), Moments.empty(6)
    for part in x.split(parts):
        moments.add(part)
    whole = moments_of(x)
    assert moments.count == whole.count
    assert_close(moments.mean, whole.mean)
    assert_close(moments.covariance, whole.covariance)


def test_moments_go_on_from_those_that_were_kept():
    x = rows()
    first = moments_of(x[:11])
    kept = Moments(first.count, first.mean, first.scatter)
    kept.add(x[11:])
    assert_close(kept.mean, moments_of(x).mean)
    assert_close(kept.covariance, moments_of(x).covariance)


def test_the_number_of_no_rows_is_0():
    moments = Moments.empty(3).all_reduced()
    assert moments.count == 0 and moments.mean.tolist() == [0, 0, 0]


def test_a_large_offset_costs_no_digits():
    """Here E[x^2] - m^2 would lose all of them."""
    x = rows().double()
    near, far = Moments.empty(6), Moments.empty(6)
    for part in x.split(8):
        near.add(part)
        far.add(part + 2.0**30)
    assert_close(far.covariance, near.covariance, rtol=1e-6, atol=1e-6)


def test_one_image_has_no_covariance():
    with pytest.raises(DataError, match="at least 2 images, got 1"):
        _ = moments_of(rows(1)).covariance
