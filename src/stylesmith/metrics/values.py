"""From statistics and passes to the numbers of each metric."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from stylesmith import distributed
from stylesmith.errors import ModelError
from stylesmith.latents import RandomKeys
from stylesmith.metrics import passes
from stylesmith.metrics.classifiers import Classifiers
from stylesmith.metrics.frechet import frechet_distance
from stylesmith.metrics.kernel import kernel_distance
from stylesmith.metrics.meter import Meter
from stylesmith.metrics.neighbors import closeness
from stylesmith.metrics.passes import LabeledLatents, Statistics
from stylesmith.metrics.path_length import middle_mean
from stylesmith.metrics.precision_recall import compare_manifolds
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.separability import separability
from stylesmith.metrics.sources import ModelSource, Source

CLOSEST = 16
"""Images that lists of extremes hold."""
BINS = 50
"""Of the histogram of per-image path lengths."""


@dataclass(frozen=True)
class Measured:
    """The numbers of one metric in one repeat; empty in all processes but the main one."""

    values: dict[str | None, float] = field(default_factory=dict)
    """By name; None names the only one."""
    details: dict[str, Any] = field(default_factory=dict)


def compare(
    metric: Metric, real: Statistics, fake: Statistics, real_count: int, *, device: torch.device
) -> Measured:
    """Hold generated images against real ones.

    Args:
        metric: Of a family that compares.
        real: Statistics of the real images.
        fake: Statistics of the generated ones.
        real_count: How many real images the metric takes.
        device: Where to compute.
    """
    if metric.family == "fd":
        distance = frechet_distance(real.moments[real_count], fake.moments[metric.count])
        return Measured({None: distance})
    a, b = real.first_features(real_count).to(device), fake.first_features(metric.count).to(device)
    if metric.family == "kd":
        return Measured({None: kernel_distance(a, b, keys=RandomKeys(0))})
    if metric.family == "pr":
        manifolds = compare_manifolds(a, b, k=metric.k)
        return Measured({name: value for name, value in vars(manifolds).items()})
    ratios, nearest = closeness(b, a)
    order = ratios.argsort()[:CLOSEST].tolist()
    closest = [
        {"sample": i, "real": int(nearest.indices[i, 0]), "ratio": float(ratios[i])} for i in order
    ]
    copies = float((ratios < 1).double().mean())
    return Measured({"copies": copies, "ratio": float(ratios.median())}, {"closest": closest})


def explore(metric: Metric, network: Any, fake: Source, reporter: Meter) -> Measured:
    """Measure generated images, or the latent space, by themselves."""
    if metric.family == "is":
        mean, spread = passes.score_classes(fake, network, metric.count, reporter)
        return Measured({"mean": mean, "std": spread})
    assert isinstance(fake, ModelSource)
    if metric.family == "ls":
        return separate(
            passes.label_latents(fake, network, metric.count, reporter), network, reporter
        )
    walk = passes.walk if metric.family == "ppl" else passes.walk_around
    scores = walk(fake, network, metric, reporter)
    if not np.isfinite(scores).all():
        raise ModelError(f"{fake.name}: draws images that are not finite. Try an older snapshot.")
    return Measured({None: middle_mean(scores)}) if walk is passes.walk else image_scores(scores)


def separate(labeled: LabeledLatents, classifiers: Classifiers, reporter: Meter) -> Measured:
    """Separability in both latent spaces, with the entropy of each attribute."""
    if not distributed.is_main():
        return Measured()
    count, attributes = len(labeled.z) // 2, classifiers.attributes
    reporter.notify(f"ls: fitting {2 * len(attributes)} hyperplanes to {count:,} latents each")
    found = {
        space: separability(points, labeled.logits, attributes)
        for space, points in (("z", labeled.z), ("w", labeled.w))
    }
    return Measured(
        {space: result.score for space, result in found.items()},
        {"entropies": {space: result.entropies for space, result in found.items()}},
    )


def image_scores(scores: np.ndarray) -> Measured:
    """The distribution of per-image path lengths: StyleGAN2's Figure 5, and whom Figure 4 shows."""
    top = float(np.percentile(scores, 99))
    counts, edges = np.histogram(scores, bins=BINS, range=(0.0, top))
    order = np.argsort(scores, kind="stable")
    details = {
        "percentiles": {str(p): float(np.percentile(scores, p)) for p in (10, 50, 90)},
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "lowest": order[:CLOSEST].tolist(),
        "highest": order[::-1][:CLOSEST].tolist(),
    }
    return Measured({None: float(scores.mean())}, details)
