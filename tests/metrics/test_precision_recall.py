"""Neighbors block by block, against all distances at once."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.errors import DataError
from stylesmith.metrics import precision_recall
from stylesmith.metrics.precision_recall import (
    PrecisionRecall,
    authenticity_ratios,
    compute_precision_recall,
    distance_blocks,
    knn_radii,
    nearest_neighbors,
)


def use_blocks(monkeypatch: pytest.MonkeyPatch, rows: int, columns: int) -> None:
    monkeypatch.setattr(precision_recall, "BLOCK_ROWS", rows)
    monkeypatch.setattr(precision_recall, "BLOCK_COLUMNS", columns)


@pytest.fixture(params=[(1000, 1000), (7, 5), (5, 33)])
def blocks(request, monkeypatch) -> None:
    """Blocks of three shapes: larger than the tables, and two that do not divide them."""
    use_blocks(monkeypatch, *request.param)


def brute_force(real: Tensor, fake: Tensor, k: int) -> PrecisionRecall:
    """By the definitions, with all distances in memory."""
    real, fake = real.double(), fake.double()
    real_balls, fake_balls = (
        torch.cdist(images, images).sort(dim=1).values[:, k] for images in (real, fake)
    )
    across = torch.cdist(real, fake)
    in_real = across <= real_balls[:, None]
    in_fake = across <= fake_balls[None]
    return PrecisionRecall(
        precision=float(in_real.any(dim=0).double().mean()),
        recall=float(in_fake.any(dim=1).double().mean()),
        density=float(in_real.sum(dim=0).double().mean() / k),
        coverage=float(in_real.any(dim=1).double().mean()),
    )


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("k", [1, 3, 5])
def test_all_four_are_those_of_brute_force(k):
    real, fake = torch.randn(83, 6), torch.randn(61, 6) * 0.7 + 0.8
    wanted = brute_force(real, fake, k)
    assert vars(compute_precision_recall(real, fake, k=k)) == pytest.approx(vars(wanted))
    assert 0.1 < wanted.precision < 1 and 0.1 < wanted.recall < 1 and wanted.density != 1


@pytest.mark.usefixtures("blocks")
def test_equal_sets_cover_each_other_even_with_duplicates():
    x = torch.randn(40, 300) + 10
    x[20:] = x[:20]  # each ball of k = 1 then has the radius 0
    for k in (1, 3):
        found = compute_precision_recall(x, x.flip(0), k=k)
        assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_far_sets_share_nothing():
    real = torch.randn(20, 4)
    assert compute_precision_recall(real, real + 1000) == PrecisionRecall(0, 0, 0, 0)


def test_lost_modes_cost_recall_and_coverage_but_not_precision():
    real = torch.cat([torch.randn(50, 4), torch.randn(50, 4) + 100])
    found = compute_precision_recall(real, real[:50])
    assert found.precision == 1
    assert found.recall == 0.5 and found.coverage == 0.5


def test_too_few_images_have_no_neighbors():
    with pytest.raises(DataError, match=r"3 generated images.*needs 4 or more"):
        compute_precision_recall(torch.randn(9, 2), torch.randn(3, 2), k=3)


@pytest.mark.usefixtures("blocks")
def test_blocks_are_all_distances_once():
    a, b = torch.randn(31, 5).double(), torch.randn(23, 5).double() + 3
    found = torch.full((31, 23), -1.0, dtype=torch.float64)
    for rows, columns, squared in distance_blocks(a, b):
        assert (found[rows, columns] == -1).all()
        found[rows, columns] = squared
    assert_close(found, torch.cdist(a, b).square())


def test_equal_rows_of_many_features_have_the_distance_0(monkeypatch):
    """The rounding of sums over 4,096 features must not tear duplicates apart."""
    x = torch.rand(64, 4096).relu() * 3
    for rows, columns in ((64, 64), (5, 64), (64, 9)):
        use_blocks(monkeypatch, rows, columns)
        for i, j, squared in distance_blocks(x, x.clone()):
            same = torch.arange(64)[i, None] == torch.arange(64)[j]
            assert (squared[same] == 0).all() and (squared[~same] > 100).all()


@pytest.mark.usefixtures("blocks")
def test_an_image_is_not_its_own_neighbor():
    x = torch.tensor([[0.0], [1.0], [3.0], [7.0]]).double()
    assert_close(knn_radii(x, 1).sqrt(), torch.tensor([1.0, 1, 2, 4]).double())
    assert_close(knn_radii(x, 2).sqrt(), torch.tensor([3.0, 2, 3, 6]).double())


@pytest.mark.usefixtures("blocks")
def test_the_nearest_are_those_of_brute_force():
    queries, table = torch.randn(29, 5).double(), torch.randn(47, 5).double()
    found = nearest_neighbors(queries, table, 4)
    distances, indices = torch.cdist(queries, table).topk(4, largest=False)
    assert torch.equal(found.indices, indices)
    assert_close(found.squared.sqrt(), distances)


def test_copies_are_closer_than_any_other_training_image():
    real = torch.randn(30, 8)
    fake = torch.cat([real[5:8], real[9:10] + 0.01, torch.full((1, 8), 50.0)])
    ratios, nearest = authenticity_ratios(fake, real)
    assert nearest.indices[:4, 0].tolist() == [5, 6, 7, 9]
    assert (ratios[:3] == 0).all() and 0 < ratios[3] < 0.1 and ratios[4] > 1


def test_more_neighbors_than_images_are_refused():
    with pytest.raises(DataError, match="3 nearest images were asked for, there are 2"):
        nearest_neighbors(torch.randn(4, 2), torch.randn(2, 2), 3)
