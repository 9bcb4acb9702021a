"""LPIPS v0.1 on VGG16 (Zhang et al. 2018), with the published linear heads.

Written as the squared length of a difference of embeddings, which is how path lengths and
projection use it: the embedding of a target is computed once.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from stylesmith.errors import ModelError
from stylesmith.perception.inputs import LONGEST, check_side, full_precision, reduce_to, to_rgb
from stylesmith.perception.layout import load, read_tensors
from stylesmith.perception.vgg import STAGES, load_vgg16

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""What is subtracted from images in -1..1, and what they are divided by."""


class LPIPS:
    """Distance by the activations before each pooling of VGG16 (Equation 1 of the paper)."""

    name = "lpips"
    min_size = 16

    def __init__(self, vgg16_path: Path, heads_path: Path, weights_hash: str, device: torch.device):
        network = load_vgg16(vgg16_path, torch.device("cpu"))
        del network.classifier  # nine tenths of the memory
        self.network = network.to(device)
        self.sqrt_weights = [weight.sqrt().to(device) for weight in read_heads(heads_path)]
        self.shift = torch.tensor(SHIFT, device=device)[:, None, None]
        self.scale = torch.tensor(SCALE, device=device)[:, None, None]
        self.weights_hash = weights_hash
        self.device = device

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Two batches `(N, 3, H, W)`, -1..1 -> `(N,)`; differentiable."""
        return (self.embed(a) - self.embed(b)).square().sum(1)

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)`, -1..1 -> `(N, D)`; D depends on the size of the images.

        Raises:
            ShapeError: If the images are smaller than 16 pixels.
        """
        check_side(images, self.min_size)
        x = to_rgb(images.to(self.device).float(), black=-1, white=1)
        x = (reduce_to(x, LONGEST) - self.shift) / self.scale
        with full_precision():
            stages = self.network.stages(x.contiguous(memory_format=torch.channels_last))
        weighted = [
            unit_length(stage) * (root / math.sqrt(stage[0, 0].numel()))  # a mean over places
            for stage, root in zip(stages, self.sqrt_weights, strict=True)
        ]
        return torch.cat([level.flatten(1) for level in weighted], 1)


class Heads(nn.Module):
    """One weight for each channel of the five stages, under the published names."""

    def __init__(self) -> None:
        super().__init__()
        for index, (channels, _) in enumerate(STAGES):
            head = nn.ModuleDict(
                {"model": nn.ModuleDict({"1": nn.Conv2d(channels, 1, 1, bias=False)})}
            )
            self.add_module(f"lin{index}", head)


def read_heads(path: Path) -> list[Tensor]:
    """The weights of the channels, each `(C, 1, 1)`.

    Raises:
        ModelError: If the file is not that state dict, or a weight is negative.
    """
    with torch.device("meta"):
        heads = Heads()
    load(heads, read_tensors(path), path)
    weights = [weight[0] for weight in heads.state_dict().values()]
    if min(float(weight.min()) for weight in weights) < 0:
        raise ModelError(f"{path}: has a negative weight; a distance needs weights of at least 0.")
    return weights


def unit_length(x: Tensor) -> Tensor:
    """Divide the channels at each place by their length; all zeros stay zeros.

    The norm's gradient at zero is zero, where that of a root of a sum is not finite.
    """
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)
