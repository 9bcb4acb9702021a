"""What other libraries compute from `published.random_weights`: writes `reference.json`.

Run by hand, from the root, where torch-fidelity 0.4.0, lpips 0.1.4 and torchvision are installed
(they cannot stand beside a CPU build of torch): `python -m tests.perception.make_reference`
"""

import json
import tempfile
from pathlib import Path

import lpips
import torch
import torchvision
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from tests.perception.published import FOLDER, random_images, random_weights, thin

SIZES = {"inception": [(299, 299), (40, 56), (320, 304)], "vgg16": [(224, 224)]}
LPIPS_SIZES = [(64, 64), (48, 80), (256, 256)]


def inception() -> dict[str, list[list[float]]]:
    """Features and unbiased class probabilities at each size, one image."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "inception.pth")
        torch.save(random_weights("inception"), path)
        network = FeatureExtractorInceptionV3(
            "reference", ["2048", "logits_unbiased"], feature_extractor_weights_path=path
        )
    for height, width in SIZES["inception"]:
        features, logits = network(random_images(1, 3, height, width))
        found[f"{height}x{width}"] = [thin(features).tolist(), thin(logits.softmax(1)).tolist()]
    return found


def vgg16() -> dict[str, list[list[float]]]:
    """The second fully connected layer after its ReLU, for images as torchvision normalizes."""
    network = torchvision.models.vgg16(weights=None)
    network.load_state_dict(random_weights("vgg16"))
    network.eval()
    found = {}
    for height, width in SIZES["vgg16"]:
        x = random_images(1, 3, height, width) / 255
        x = torchvision.transforms.functional.normalize(
            x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        )
        x = network.avgpool(network.features(x)).flatten(1)
        found[f"{height}x{width}"] = [thin(network.classifier[:5](x)).tolist()]
    return found


def lpips_vgg() -> dict[str, float]:
    """The distance of two images at each size."""
    network = lpips.LPIPS(pretrained=False, pnet_rand=True, net="vgg", verbose=False).eval()
    trunk, heads = random_weights("vgg16"), random_weights("lpips")
    for name in network.net.state_dict():
        index = name.split(".", 1)[1]
        network.net.state_dict()[name].copy_(trunk[f"features.{index}"])
    missing = network.load_state_dict(heads, strict=False)
    assert not missing.unexpected_keys
    found = {}
    for height, width in LPIPS_SIZES:
        a, b = (random_images(1, 3, height, width, seed=seed) / 127.5 - 1 for seed in (0, 1))
        found[f"{height}x{width}"] = network(a, b).item()
    return found


if __name__ == "__main__":
    with torch.no_grad():
        content = {"inception": inception(), "vgg16": vgg16(), "lpips": lpips_vgg()}
    (FOLDER / "reference.json").write_text(json.dumps(content) + "\n")
