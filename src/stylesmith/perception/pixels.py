"""The plainest distance: mean squared difference of pixels."""

import hashlib
import math

import torch
from torch import Tensor

from stylesmith.perception.inputs import to_rgb

PIXEL_DISTANCE_DEFINITION = "stylesmith mean squared pixel difference, -1..1, 1"


class PixelDistance:
    """Mean over channels and places of squared differences of colors in -1..1."""

    name = "pixels"
    min_size = 1

    def __init__(self, device: torch.device):
        self.weights_hash = hashlib.sha256(PIXEL_DISTANCE_DEFINITION.encode()).hexdigest()
        self.device = device

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Two batches `(N, 3, H, W)`, -1..1 -> `(N,)`; differentiable."""
        return (self.embed(a) - self.embed(b)).square().sum(1)

    def embed(self, images: Tensor) -> Tensor:
        """`(N, 3, H, W)` -> `(N, 3 * H * W)`."""
        x = to_rgb(images.to(self.device).float(), black=-1, white=1).flatten(1)
        return x / math.sqrt(x.shape[1])
