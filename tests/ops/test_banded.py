"""Products with banded matrices, and bilinear sampling: equal to the plain ones, to any order."""

import numpy as np
import pytest
import torch

from stylesmith.ops import banded
from stylesmith.ops.banded import BandedMatrix, multiply_axes
from stylesmith.ops.bilinear import sample_bilinear


def band(rows: int, columns: int, seed: int) -> np.ndarray:
    """A matrix whose rows reach three columns to both sides of a diagonal."""
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    center = np.arange(rows)[:, None] * columns / rows
    return np.where(np.abs(np.arange(columns) - center) <= 3, matrix, 0.0)


@pytest.mark.parametrize("dense_columns", [0, 96])
def test_blocks_equal_the_whole_matrix(dense_columns, monkeypatch, assert_equal_to_second_order):
    monkeypatch.setattr(banded, "BLOCK_ROWS", 5)
    monkeypatch.setattr(banded, "DENSE_COLUMNS", dense_columns)
    vertical, horizontal = band(17, 9, 0), band(8, 12, 1)
    down, across = (BandedMatrix.from_dense(matrix) for matrix in (vertical, horizontal))
    assert len(down.blocks()) == (4 if dense_columns else 16)

    def fast(x):
        return multiply_axes(x, down, across).sin()

    def plain(x):
        return (torch.from_numpy(vertical) @ x @ torch.from_numpy(horizontal).T).sin()

    assert_equal_to_second_order(fast, plain, [torch.randn(2, 3, 9, 12, dtype=torch.float64)])


def test_rows_are_those_of_the_matrix():
    matrix = band(20, 9, 0)
    part = BandedMatrix.from_dense(matrix).rows(3, 11)
    assert torch.equal(part.values, torch.from_numpy(matrix[3:11]))
    assert part.first.tolist() == [np.flatnonzero(row)[0] for row in matrix[3:11]]
    assert part.last.tolist() == [np.flatnonzero(row)[-1] for row in matrix[3:11]]


def test_samples_between_pixels_are_bilinear_and_0_beyond_the_border():
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    positions = torch.tensor([[[[0, 0], [3, 2], [1.5, 0.5], [-0.5, 0], [9, 9]]]])
    found = sample_bilinear(x, positions.float())
    torch.testing.assert_close(found, torch.tensor([[[[0, 11, 3.5, 0, 0]]]]))


def test_sampling_has_the_derivatives_of_a_matrix(assert_equal_to_second_order):
    positions = torch.rand(2, 5, 6, 2, dtype=torch.float64) * 8 - 2
    unit = torch.eye(30, dtype=torch.float64).reshape(30, 1, 5, 6)
    columns = [sample_bilinear(unit, row.expand(30, -1, -1, -1)) for row in positions]
    matrix = torch.stack(columns)[:, :, 0].flatten(2)  # (N, H * W, R * S)

    def plain(x):
        return torch.einsum("nchw,nhwp->ncp", x, matrix.reshape(2, 5, 6, 30)).sin()

    def fast(x):
        return sample_bilinear(x, positions).flatten(2).sin()

    assert_equal_to_second_order(fast, plain, [torch.randn(2, 3, 5, 6, dtype=torch.float64)])


def test_operators_have_shapes_without_data():
    """Estimates before a run, and the compiler, need them."""
    positions = torch.zeros(2, 7, 9, 2, device="meta")
    x = torch.zeros(2, 3, 5, 6, device="meta", requires_grad=True)
    sampled = sample_bilinear(x, positions)
    assert sampled.shape == (2, 3, 7, 9)
    sampled.sum().backward()
    assert x.grad.shape == x.shape
