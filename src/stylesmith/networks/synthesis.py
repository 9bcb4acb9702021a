"""What a generator asks of its synthesis network, of whatever kind."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from stylesmith.devices import FP32, Precision
from stylesmith.networks.growth import Growth

NoiseMaps = Sequence[Tensor | None]
"""One map `(N or 1, 1, H, W)` per noise input, or None where a layer gets no noise."""


class SynthesisNetwork(Protocol):
    """From w to images; all synthesis networks are modules of this form."""

    @property
    def fixed_noise(self) -> list[Tensor]:
        """The noise maps that belong to the network, `(1, 1, H, W)` each."""

    def __call__(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Draw images.

        Args:
            ws: One w per input, `(N, num_ws, D)`.
            noise: One map per noise input, or none at all.
            growth: The levels in use, by a network that grows; None is all.
            precision: Number format of the convolution blocks.

        Returns:
            Images of the highest level in use, `(N, C, H, W)`, fp32.
        """


class NoisyNetwork(nn.Module):
    """A module with noise maps of its own, which are saved with it and take no gradient."""

    noise_count = 0

    def register_noise(self, shapes: Sequence[tuple[int, int]]) -> None:
        """Draw one map per shape; the last thing that a network draws when it is built."""
        for i, shape in enumerate(shapes):
            self.register_buffer(f"noise_{i}", torch.randn(1, 1, *shape))
        self.noise_count = len(shapes)

    @property
    def fixed_noise(self) -> list[Tensor]:
        """The noise maps that belong to the network, `(1, 1, H, W)` each."""
        return [getattr(self, f"noise_{i}") for i in range(self.noise_count)]
