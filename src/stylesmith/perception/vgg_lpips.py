"""VGG16 (Simonyan and Zisserman 2015) under torchvision's names, and LPIPS v0.1 on it.

LPIPS (Zhang et al. 2018) is written as the squared norm of a difference of embeddings, so the
embedding of a target is computed once.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.errors import ModelError
from stylesmith.perception.preprocessing import (
    MAX_SIZE,
    ImageDistance,
    downscale,
    signed_to_rgb,
    uint8_to_rgb,
)
from stylesmith.perception.state_dicts import open_network

VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of 3x3 convolutions between poolings."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""What the weights were trained with: colors in 0..1 less the mean, over the standard deviation."""

VGG16_INPUT_SIZE = 224
"""Height and width that the fully connected layers were made for."""


class VGG16(nn.Module):
    """Thirteen convolutions, five poolings, three fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.stage_ends: list[int] = []
        channels = 3
        for width, count in VGG16_STAGES:
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            self.stage_ends.append(len(layers) - 1)
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 1000),
        )

    def stages(self, images: Tensor) -> list[Tensor]:
        """Normalized images -> the last activations before each pooling, five tensors."""
        x, found = images, []
        for index, layer in enumerate(list(self.features)[: self.stage_ends[-1] + 1]):
            x = layer(x)
            if index in self.stage_ends:
                found.append(x)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Normalized images `(N, 3, 224, 224)` -> second fully connected layer, `(N, 4096)`."""
        x = self.features(images).contiguous()  # weights expect channels first when flattened
        y: Tensor = self.classifier[:5](x.flatten(1))
        return y


class VGG16Extractor:
    """The features of improved precision and recall (Kynkäänniemi et al. 2019).

    Published figures used the weights of VGG's authors; these are torchvision's, trained anew, so
    values compare with each other rather than with those figures.
    """

    name = "vgg16"
    dimension = 4096
    min_size = 1

    def __init__(self, path: Path, weights_hash: str, device: torch.device):
        self.network = open_network(VGG16, path).to(device)
        self.weights_hash = weights_hash
        self.device = device
        self.mean = torch.tensor(IMAGENET_MEAN, device=device)[:, None, None] * 255
        self.std = torch.tensor(IMAGENET_STD, device=device)[:, None, None] * 255

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, 1, 3 or 4, H, W)` -> float32 `(N, 4096)`, after the ReLU.

        Images come to 224x224 by a bilinear filter that averages when it shrinks.
        """
        x = uint8_to_rgb(images, self.device)
        x = F.interpolate(
            x, size=(VGG16_INPUT_SIZE, VGG16_INPUT_SIZE), mode="bilinear", antialias=True
        )
        result: Tensor = self.network((x - self.mean) / self.std)
        return result


LPIPS_SHIFT = (-0.030, -0.088, -0.188)
LPIPS_SCALE = (0.458, 0.448, 0.450)
"""What is subtracted from images in -1..1, and what they are divided by."""


class LPIPS(ImageDistance):
    """Distance by the activations before each pooling of VGG16 (Equation 1 of the paper)."""

    name = "lpips"
    min_size = 16

    def __init__(self, vgg16_path: Path, heads_path: Path, weights_hash: str, device: torch.device):
        network = open_network(VGG16, vgg16_path)
        del network.classifier  # nine tenths of the memory
        self.network = network.to(device)
        self.sqrt_weights = [weight.sqrt().to(device) for weight in read_lpips_heads(heads_path)]
        self.shift = torch.tensor(LPIPS_SHIFT, device=device)[:, None, None]
        self.scale = torch.tensor(LPIPS_SCALE, device=device)[:, None, None]
        self.weights_hash = weights_hash
        self.device = device

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)`, -1..1 -> `(N, D)`; D depends on the size of the images.

        Raises:
            ShapeError: If the images are smaller than 16 pixels.
        """
        x = signed_to_rgb(images, self.device, min_size=self.min_size)
        x = (downscale(x, MAX_SIZE) - self.shift) / self.scale
        stages = self.network.stages(x.contiguous(memory_format=torch.channels_last))
        weighted = []
        for stage, root in zip(stages, self.sqrt_weights, strict=True):
            scale = root / math.sqrt(stage[0, 0].numel())  # a mean over places
            weighted.append((normalize_channels(stage) * scale).flatten(1))
        return torch.cat(weighted, 1)


class LPIPSHeads(nn.Module):
    """One weight for each channel of the five stages, under the published names."""

    def __init__(self) -> None:
        super().__init__()
        for index, (channels, _) in enumerate(VGG16_STAGES):
            head = nn.ModuleDict(
                {"model": nn.ModuleDict({"1": nn.Conv2d(channels, 1, 1, bias=False)})}
            )
            self.add_module(f"lin{index}", head)


def read_lpips_heads(path: Path) -> list[Tensor]:
    """The weights of the channels, each `(C, 1, 1)`.

    Raises:
        ModelError: If the file is not that state dict, or a weight is negative.
    """
    weights = [weight[0] for weight in open_network(LPIPSHeads, path).state_dict().values()]
    if min(float(weight.min()) for weight in weights) < 0:
        raise ModelError(f"{path}: has a negative weight; a distance needs weights of at least 0.")
    return weights


def normalize_channels(x: Tensor) -> Tensor:
    """Divide the channels at each place by their length; all zeros stay zeros.

    The norm's gradient at zero is zero, where that of a root of a sum is not finite.
    """
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)
