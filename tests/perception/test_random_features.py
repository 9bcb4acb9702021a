"""The random network is the same everywhere, and its distance grows with every kind of damage."""

import io
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

from stylesmith.errors import ShapeError
from stylesmith.perception.extractors import open_extractor
from stylesmith.perception.random_features import random_layers
from tests.perception.published import random_images, thin

CPU = torch.device("cpu")
HASH = "62ff49749b4353d28b14c487d116f3ee21213475b840f8c2c7c1cbf25379d569"
FEATURES = [
    *[0.163107, 0.224964, 0.107849, 0.051133, 0.213516, 0.085527, 0.071456, 0.094012, 0.166816],
    *[0.194469, 0.029036, 0.281669, 0.113919, 0.527580, 0.0, 0.229368, 6.189956],
]


@pytest.fixture(scope="module")
def extractor():
    return open_extractor("random", CPU)


def test_weights_are_the_same_on_every_machine(extractor):
    assert extractor.weights_hash == HASH
    kernels, biases = random_layers()[0]
    assert kernels.dtype == biases.dtype == np.float32
    np.testing.assert_allclose(kernels[-1, 0, 0], [0.22446670, 0.20983601, -0.02382342], rtol=1e-6)


def test_features_are_the_same_on_every_machine(extractor):
    """A change of these numbers is a new version of the definition, and of its hash."""
    found = thin(extractor.features(random_images(1, 3, 32, 32)))
    assert_close(found, torch.tensor(FEATURES), rtol=1e-4, atol=1e-5)


def test_half_of_the_kernels_are_still_where_an_image_is_flat():
    for kernels, biases in random_layers():
        half = len(kernels) // 2
        sums = np.abs(kernels.astype(np.float64).sum((2, 3)))
        assert sums[:half].max() < 1e-6 < sums[half:].min()
        assert (biases[:half] == 0).all() and (biases[half:] != 0).all()


def test_kernels_keep_the_size_of_activations():
    """Uniform numbers with He's variance, 2 / fan-in (He et al. 2015, Equation 10)."""
    for kernels, _ in random_layers():
        full = kernels[len(kernels) // 2 :]
        fan_in = math.prod(full.shape[1:])
        assert full.var() == pytest.approx(2 / fan_in, rel=0.1)


def test_features_are_the_moments_that_the_text_says(extractor):
    images = random_images(2, 3, 16, 16)
    x, wanted = images / 127.5 - 1, []
    for index, (kernels, biases) in enumerate(random_layers()):
        x = F.avg_pool2d(x, 2) if index else x
        x = F.conv2d(x, torch.from_numpy(kernels), torch.from_numpy(biases), padding=1).relu()
        wanted += [x.mean((2, 3)), x.sqrt().mean((2, 3))]
    cells = x[:, -4:].repeat_interleave(2, 2).repeat_interleave(2, 3)  # 2x2 seen as 4x4
    wanted = torch.cat([*wanted, cells.flatten(1)], 1)
    found = extractor.features(images)
    assert found.shape == (2, extractor.dimension) and extractor.dimension == 512
    assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_large_images_are_reduced_and_tiny_ones_refused(extractor):
    small = random_images(1, 3, 256, 256)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(extractor.features(large), extractor.features(small), rtol=1e-4, atol=1e-5)
    assert extractor.features(torch.zeros(1, 3, 8, 8, dtype=torch.uint8)).isfinite().all()
    with pytest.raises(ShapeError, match="are 16x4; this network needs at least 8"):
        extractor.features(torch.zeros(1, 3, 4, 16, dtype=torch.uint8))


@pytest.fixture(scope="module")
def faces() -> tuple[Tensor, Tensor]:
    """Two halves of 600 avatars, each uint8 `(300, 3, 32, 32)`."""
    pytest.importorskip("dicebear", reason="the extra [avatars] is not installed")
    from stylesmith.data.avatar_drawing import draw_avatar

    images = [Image.open(io.BytesIO(draw_avatar(0, index, 32)[0])) for index in range(600)]
    pixels = np.stack([np.asarray(image.convert("RGB")) for image in images])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    return images[:300], images[300:]


def frechet(a: Tensor, b: Tensor) -> float:
    """By its definition (Dowson and Landau 1982); features as rows."""
    a, b = a.double(), b.double()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    # Tr (A B)^1/2 is the nuclear norm of the product of the centered rows, over sqrt(n m).
    x, y = ((f - f.mean(0)) / math.sqrt(len(f) - 1) for f in (a, b))
    overlap = torch.linalg.svdvals(x @ y.T).sum()
    return float(shift + x.square().sum() + y.square().sum() - 2 * overlap)


def blurred(images: Tensor, sigma: float) -> Tensor:
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    x = F.pad(images.float(), (radius,) * 4, mode="reflect").flatten(0, 1)[:, None]
    x = F.conv2d(F.conv2d(x, kernel[None, None, None]), kernel[None, None, :, None])
    return x.view(images.shape).round().to(torch.uint8)


def noisy(images: Tensor, sigma: float) -> Tensor:
    noise = sigma * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + noise).round().clamp(0, 255).to(torch.uint8)


def with_fewer_faces(images: Tensor, share: float) -> Tensor:
    """A generator that has lost modes: it draws some of the faces again and again."""
    return images[torch.arange(len(images)) % max(1, round(share * len(images)))]


def moved(images: Tensor, share: float) -> Tensor:
    """Some faces four pixels too low."""
    count = round(share * len(images))
    return torch.cat([torch.roll(images[:count], 4, 2), images[count:]])


@pytest.mark.parametrize(
    ("damage", "steps"),
    [
        (blurred, [0.5, 0.7, 1, 1.5, 2, 3]),
        (noisy, [1, 2, 4, 8, 16, 32, 64]),
        (with_fewer_faces, [0.5, 0.25, 0.1, 0.03, 0.01, 0.001]),
        (moved, [0.1, 0.3, 0.6, 1.0]),
    ],
)
def test_every_step_of_damage_raises_the_frechet_distance(
    extractor, faces, damage: Callable[[Tensor, float], Tensor], steps
):
    real, drawn = faces
    features = extractor.features(real)
    found = [frechet(features, extractor.features(drawn))]
    found += [frechet(features, extractor.features(damage(drawn, step))) for step in steps]
    assert all(b > 1.01 * a for a, b in itertools.pairwise(found)), found
    assert found[-1] > 2 * found[0]
