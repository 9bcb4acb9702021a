"""What a generator pass draws at random: latents, style mixing, noise and labels.

Every number is keyed by (seed, purpose, step, index in the global batch), so that neither the
number of processes nor the micro-batch nor a resume changes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.config import GeneratorConfig
from stylesmith.latents import RandomKeys, split_noise_maps


@dataclass(frozen=True)
class LatentBatch:
    """The random input of one generator pass over N images."""

    z: Tensor
    """`(N, z_dim)`"""
    mixing_z: Tensor
    """`(N, z_dim)`, the second source of style mixing."""
    cutoff: int | None
    """Layers from here on take the second source; None leaves mixing out."""
    noise: list[Tensor]
    """One map `(N, 1, H, W)` per noise input of the levels in use."""
    label: Tensor | None
    """`(N, label_size)`"""


def make_latent_batch(
    config: GeneratorConfig,
    keys: RandomKeys,
    purpose: str,
    step: int,
    indices: Sequence[int],
    *,
    level: int,
    mixing_probability: float,
    label: Tensor | None,
    device: torch.device,
) -> LatentBatch:
    """Draw for the images with these indices in the global batch of a step.

    `level` is the highest in use. `mixing` is the probability that the whole step mixes styles,
    with one cutoff for all images and processes among the layers in use (StyleGAN, section 3.1).
    """
    z_dim, shapes = config.mapping.z_dim, config.noise_shapes_up_to(level)
    layers = min(config.num_ws, 2 * (level + 1))
    size = 2 * z_dim + sum(height * width for height, width in shapes)
    flat = torch.stack([keys.normal(size, purpose, step, i, device=device) for i in indices])
    cutoff = None
    if layers > 1 and keys.uniform(f"{purpose} mixing", step) < mixing_probability:
        cutoff = 1 + keys.number(f"{purpose} cutoff", step) % (layers - 1)
    return LatentBatch(
        z=flat[:, :z_dim],
        mixing_z=flat[:, z_dim : 2 * z_dim],
        cutoff=cutoff,
        noise=split_noise_maps(flat[:, 2 * z_dim :], shapes),
        label=None if label is None else label.to(device),
    )
