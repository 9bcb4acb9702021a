"""The mapping network f: latent z, and a label, to intermediate latent w (StyleGAN, section 2)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from stylesmith.config import MappingConfig
from stylesmith.errors import UsageError
from stylesmith.networks.layers import WEIGHT_GAIN_ONLY, EqualizedLinear
from stylesmith.ops import lrelu, pixel_norm


class MappingNetwork(nn.Module):
    """Fully connected layers behind a normalized input.

    A label enters in one of two ways. `concat` (both papers): a plain matrix times the label is
    joined to z before the normalization. `embed` (StyleGAN2-ADA): a linear layer, normalized by
    itself, is joined to the normalized z. Without layers, that input is w.

    With `gain_in_weights` He's gain spares the biases, as in StyleGAN.
    """

    w_avg: Tensor

    def __init__(
        self, config: MappingConfig, *, label_size: int = 0, gain_in_weights: bool = False
    ):
        super().__init__()
        self.z_dim, self.label_mode = config.z_dim, config.label_mode
        self.label_size = label_size
        widths = [config.z_dim + (config.w_dim if label_size else 0)]
        widths += [config.w_dim] * config.layers
        if label_size and config.label_mode == "concat":
            self.label_weight = nn.Parameter(torch.randn(label_size, config.w_dim))
        elif label_size:
            self.embed = EqualizedLinear(label_size, config.w_dim)
        bias_gain = WEIGHT_GAIN_ONLY if gain_in_weights else 1.0
        self.layers = nn.ModuleList(
            EqualizedLinear(i, o, lr_multiplier=config.lr_multiplier, bias_gain=bias_gain)
            for i, o in pairwise(widths)
        )
        self.register_buffer("w_avg", torch.zeros(widths[-1]))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Latent `(N, z_dim)` and label `(N, label_size)` -> w, `(N, D)`, all fp32."""
        x = self._normalized_input(z, label)
        for layer in self.layers:
            x = lrelu(layer(x))
        return x

    def _normalized_input(self, z: Tensor, label: Tensor | None) -> Tensor:
        if not self.label_size:
            return pixel_norm(z)
        if label is None:
            raise UsageError("this network is conditional: it was called without labels")
        if self.label_mode == "concat":
            return pixel_norm(torch.cat([z, label @ self.label_weight], dim=1))
        return torch.cat([pixel_norm(z), pixel_norm(self.embed(label))], dim=1)
