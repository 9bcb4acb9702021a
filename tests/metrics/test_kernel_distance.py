import itertools

import pytest
import torch
from torch import Tensor
from torchmetrics.image.kid import KernelInceptionDistance

from stylesmith.errors import DataError
from stylesmith.latents import RandomKeys
from stylesmith.metrics.scores import kernel_distance, squared_mmd

KEYS = RandomKeys(0)


def by_hand(x: Tensor, y: Tensor) -> float:
    """Sums over pairs, as in the definition of the unbiased estimate."""

    def kernel(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    m = len(x)
    pairs = list(itertools.permutations(range(m), 2))
    within = sum(kernel(s[i], s[j]) for s in (x, y) for i, j in pairs) / (m * (m - 1))
    across = sum(kernel(a, b) for a in x for b in y) / m**2
    return within - 2 * across


def test_the_estimate_is_the_sum_over_pairs():
    x, y = torch.randn(7, 4).double(), torch.randn(7, 4).double() + 1
    assert squared_mmd(x, y) == pytest.approx(by_hand(x, y), rel=1e-12)


def test_one_subset_of_all_images_is_the_whole_estimate():
    x, y = torch.randn(9, 4), torch.randn(9, 4) + 1
    distance = kernel_distance(x, y, keys=KEYS, subsets=3, subset_size=1000)
    assert distance == pytest.approx(squared_mmd(x, y), rel=1e-9)


def test_subsets_are_as_large_as_the_smaller_side():
    x, y = torch.randn(30, 4), torch.randn(5, 4) + 1
    distance = kernel_distance(x, y, keys=KEYS, subsets=1)
    chosen = x[torch.from_numpy(KEYS.permutation(30, "kernel real", 0)[:5])]
    assert distance == pytest.approx(squared_mmd(chosen, y), rel=1e-9)


def test_the_estimate_is_unbiased():
    """Sets of one distribution are 0 apart on average, not a little more."""
    numbers = torch.Generator().manual_seed(1)
    found = torch.tensor(
        [
            squared_mmd(*torch.randn(2, 20, 4, generator=numbers, dtype=torch.float64))
            for _ in range(400)
        ]
    )
    assert abs(found.mean()) < 3 * found.std() / 20
    assert found.min() < 0 < found.max()


def test_subsets_belong_to_their_keys():
    x, y = torch.randn(50, 4), torch.randn(50, 4)
    once, again = (kernel_distance(x, y, keys=KEYS, subsets=4, subset_size=10) for _ in range(2))
    other = kernel_distance(x, y, keys=RandomKeys(1), subsets=4, subset_size=10)
    assert once == again != other


class Flatten(torch.nn.Module):
    num_features = 12

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).float() / 128


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_the_value_is_that_of_torchmetrics():
    real = torch.randint(0, 256, (60, 3, 2, 2), dtype=torch.uint8)
    fake = torch.randint(0, 200, (60, 3, 2, 2), dtype=torch.uint8)
    extractor = Flatten()
    other = KernelInceptionDistance(feature=extractor, subsets=3, subset_size=60)
    other.set_dtype(torch.float64)
    other.update(real, real=True)
    other.update(fake, real=False)
    distance = kernel_distance(extractor(real), extractor(fake), keys=KEYS, subsets=3)
    assert distance == pytest.approx(float(other.compute()[0]), rel=1e-4)
    assert distance > 0.01


def test_one_image_has_no_kernel_distance():
    with pytest.raises(DataError, match="at least 2 images of each set, got 1"):
        kernel_distance(torch.randn(1, 4), torch.randn(9, 4), keys=KEYS)
