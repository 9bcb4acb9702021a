"""Where w lies, and how far it spreads: the start and the scale of a search."""

from dataclasses import dataclass

from torch import Tensor

from stylesmith.networks import Generator
from stylesmith.sampling.w_samples import W_SAMPLE_COUNT, sample_w


@dataclass(frozen=True)
class WStatistics:
    """Mean and spread of w, over 10,000 latents (StyleGAN2, appendix D)."""

    mean: Tensor
    """`(D,)`."""
    sigma: float
    """sigma, the root of the mean squared distance to the mean."""


def w_statistics(
    generator: Generator, label: int | None = None, *, count: int = W_SAMPLE_COUNT
) -> WStatistics:
    """Measure a generator; where it has classes, that class, or without one all in turn.

    Raises:
        UsageError: If the network has no such class, or none at all.
    """
    row = None if label is None else generator.label_row(label)
    w = sample_w(generator, row, count=count)
    mean = w.mean(dim=0)
    spread = (w - mean).square().sum(dim=1).mean().sqrt()
    return WStatistics(mean, float(spread))
