"""The averaged generator, whose images are shown and measured (ProGAN, section 4.2)."""

import torch
from torch import nn


def ema_decay(
    batch_size: int, *, half_life_kimg: float, images_seen: int, rampup: float | None
) -> float:
    """Decay for one step, such that weights lose half their share in `half_life_kimg`.

    With `rampup` the half-life is at most that fraction of the images seen, so that the random
    start is soon forgotten; the very first step copies.
    """
    half_life = half_life_kimg * 1000
    if rampup is not None:
        half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch_size / half_life) if half_life > 0 else 0.0


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `average` towards `network`; buffers such as w_avg are copied outright."""
    for mean, parameter in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(parameter, 1 - decay)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)
