"""LPIPS v0.1 on VGG16 (Zhang et al. 2018), with the published linear heads.

Written as the squared length of a difference of embeddings, which is how path lengths and
projection use it: the embedding of a target is computed once.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from stylesmith.errors import ModelError
from stylesmith.perception.inputs import MAX_SIZE, check_min_size, disable_tf32, downscale, to_rgb
from stylesmith.perception.layout import load_weights, read_state_dict
from stylesmith.perception.vgg import VGG16_STAGES, load_vgg16

LPIPS_SHIFT = (-0.030, -0.088, -0.188)
LPIPS_SCALE = (0.458, 0.448, 0.450)
"""What is subtracted from images in -1..1, and what they are divided by."""


class LPIPS:
    """Distance by the activations before each pooling of VGG16 (Equation 1 of the paper)."""

    name = "lpips"
    min_size = 16

    def __init__(self, vgg16_path: Path, heads_path: Path, weights_hash: str, device: torch.device):
        network = load_vgg16(vgg16_path, torch.device("cpu"))
        del network.classifier  # nine tenths of the memory
        self.network = network.to(device)
        self.sqrt_weights = [weight.sqrt().to(device) for weight in read_lpips_heads(heads_path)]
        self.shift = torch.tensor(LPIPS_SHIFT, device=device)[:, None, None]
        self.scale = torch.tensor(LPIPS_SCALE, device=device)[:, None, None]
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
        check_min_size(images, self.min_size)
        x = to_rgb(images.to(self.device).float(), black=-1, white=1)
        x = (downscale(x, MAX_SIZE) - self.shift) / self.scale
        with disable_tf32():
            stages = self.network.stages(x.contiguous(memory_format=torch.channels_last))
        weighted = [
            normalize_channels(stage)
            * (root / math.sqrt(stage[0, 0].numel()))  # a mean over places
            for stage, root in zip(stages, self.sqrt_weights, strict=True)
        ]
        return torch.cat([level.flatten(1) for level in weighted], 1)


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
    with torch.device("meta"):
        heads = LPIPSHeads()
    load_weights(heads, read_state_dict(path), path)
    weights = [weight[0] for weight in heads.state_dict().values()]
    if min(float(weight.min()) for weight in weights) < 0:
        raise ModelError(f"{path}: has a negative weight; a distance needs weights of at least 0.")
    return weights


def normalize_channels(x: Tensor) -> Tensor:
    """Divide the channels at each place by their length; all zeros stay zeros.

    The norm's gradient at zero is zero, where that of a root of a sum is not finite.
    """
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)
