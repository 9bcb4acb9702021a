"""What a generator asks of its synthesis network, of whatever kind."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from stylesmith.devices import FP32, Precision
from stylesmith.networks.growth import Growth

NoiseMaps = Sequence[Tensor | None]
"""One map `(N or 1, 1, H, W)` per noise input, or None where a layer gets no noise."""


class Synthesis(Protocol):
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
