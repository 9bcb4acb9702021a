"""The distribution of w, from 10,000 latents as in projection (StyleGAN2, appendix D)."""

import numpy as np
import torch
from torch import Tensor

from stylesmith.networks import Generator

W_SAMPLE_COUNT = 10_000
W_SAMPLES_SEED = 123
"""The stream of latents that the published projector estimates the mean of w from."""


@torch.no_grad()
def sample_w(
    generator: Generator, label: Tensor | None = None, *, count: int = W_SAMPLE_COUNT
) -> Tensor:
    """Intermediate latents `(count, D)`, fp32, on the network's device; always the same ones.

    Args:
        generator: Any generator.
        label: One row `(1, label_size)`, as `generator.label_row` gives it; without one, a
            conditional network gets its classes in turn.
        count: How many.
    """
    config, device = generator.config, generator.mapping.w_avg.device
    z = np.random.RandomState(W_SAMPLES_SEED).randn(count, config.mapping.z_dim)
    if label is None and config.label_size:
        label = torch.eye(config.label_size)[torch.arange(count) % config.label_size]
    parts = []
    for start in range(0, count, 1000):
        part = torch.from_numpy(z[start : start + 1000]).float().to(device)
        rows = None if label is None else label.expand(count, -1)[start : start + 1000].to(device)
        parts.append(generator.mapping(part, rows))
    return torch.cat(parts)
