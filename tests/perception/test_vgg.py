"""VGG16's second fully connected layer, as torchvision's network computes it."""

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from stylesmith.perception.vgg_lpips import VGG16_STAGES
from tests.perception.published import random_images, thin


def test_features_are_those_of_torchvision(vgg16, reference):
    (wanted,) = reference["vgg16"]["224x224"]
    found = vgg16.features(random_images(1, 3, 224, 224))
    assert found.shape == (1, vgg16.dimension)
    assert (found == 0).any()  # after the ReLU
    assert_close(thin(found), torch.tensor(wanted), rtol=1e-5, atol=1e-5)


def test_other_sizes_come_to_224_by_an_averaging_filter(vgg16, monkeypatch):
    seen = []
    monkeypatch.setattr(vgg16, "network", lambda x: seen.append(x) or x)
    flicker = torch.tensor([0, 255], dtype=torch.uint8).repeat(224).expand(1, 3, 448, 448)
    vgg16.features(flicker)
    back = seen[0] * vgg16.std + vgg16.mean
    assert_close(back[..., 1:-1], torch.full((1, 3, 224, 222), 127.5), rtol=1e-4, atol=1e-3)


def test_stages_end_before_each_pooling(lpips):
    found = lpips.network.stages(torch.randn(2, 3, 32, 32))
    shapes = [(2, width, 32 >> i, 32 >> i) for i, (width, _) in enumerate(VGG16_STAGES)]
    assert [tuple(stage.shape) for stage in found] == shapes
    first, second = (layer.weight for layer in lpips.network.features[5:8:2])
    x = F.max_pool2d(found[0], 2)
    for weight, layer in ((first, 5), (second, 7)):
        x = F.conv2d(x, weight, lpips.network.features[layer].bias, padding=1).relu()
    assert_close(found[1], x)
