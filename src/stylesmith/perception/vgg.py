"""VGG16 (Simonyan and Zisserman 2015, Table 1, column D), under torchvision's names."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.perception.inputs import disable_tf32, uint8_to_rgb
from stylesmith.perception.layout import load_weights, read_state_dict

VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of 3x3 convolutions between poolings."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""What the weights were trained with: colors in 0..1 less the mean, over the deviation."""

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
        self.network = load_vgg16(path, device)
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
        with disable_tf32():
            result: Tensor = self.network((x - self.mean) / self.std)
        return result


def load_vgg16(path: Path, device: torch.device) -> VGG16:
    """The network with torchvision's weights.

    Raises:
        ModelError: If the file is not that state dict.
    """
    with torch.device("meta"):
        network = VGG16()
    load_weights(network, read_state_dict(path), path)
    return network.to(device)
