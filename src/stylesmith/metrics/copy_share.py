"""Copy share: how often the image nearest to a sample is one that the generator learned from.

Samples are compared with equally many training and held-out images. A generator that has learned
what the images have in common lies as near to one kind as to the other, so the share is about one
half; one that copies lies at training images, and the share is near 1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.latents import RandomKeys

REDRAWS = 200
"""Random choices of equally many images of both kinds, over which the share is averaged."""
MAX_CONTROLS = 64
"""Held-out images that stand for samples of a generator that copies nothing."""


@dataclass(frozen=True)
class CopyShare:
    """Shares of samples whose nearest image is a training image, 0..1."""

    share: float
    """Share of the generated images."""
    control: float
    """Share of held-out images in place of generated ones: that of a generator without copies."""


def copy_share(samples: Tensor, training: Tensor, held_out: Tensor) -> CopyShare:
    """The copy share of samples, with its control.

    Args:
        samples: Features of generated images, `(N, D)`.
        training: Features of the images that were learned from, `(M, D)`.
        held_out: Features of images that were kept from training, `(K, D)`, K at least 2.
    """
    controls = min(MAX_CONTROLS, len(held_out) // 2)
    order = torch.from_numpy(RandomKeys(0).permutation(len(held_out), "controls"))
    order = order.to(held_out.device)
    queries, others = held_out[order[:controls]], held_out[order[controls:]]
    return CopyShare(
        share=_nearest_share(samples, training, held_out),
        control=_nearest_share(queries, training, others),
    )


def _nearest_share(queries: Tensor, training: Tensor, held_out: Tensor) -> float:
    """Mean share of queries that are nearer to one of as many training as held-out images."""
    to_training, to_held_out = torch.cdist(queries, training), torch.cdist(queries, held_out)
    count = min(len(training), len(held_out))
    shares = []
    for number in range(REDRAWS):
        nearest = [
            distances[:, _choose(distances.shape[1], count, kind, number)].amin(dim=1)
            for kind, distances in (("training", to_training), ("held out", to_held_out))
        ]
        closer, equal = nearest[0] < nearest[1], nearest[0] == nearest[1]
        shares.append(closer.float().mean() + equal.float().mean() / 2)
    return float(torch.stack(shares).mean())


def _choose(total: int, count: int, kind: str, number: int) -> Tensor:
    """Indices of so many images of a kind, other ones for each redraw."""
    return torch.from_numpy(RandomKeys(0).permutation(total, kind, number)[:count].copy())
