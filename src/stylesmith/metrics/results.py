"""Values of each metric, and the record that is printed (table) or written (JSON lines)."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
import torch
from rich.table import Table

from stylesmith import distributed
from stylesmith.devices import to_float64
from stylesmith.errors import ModelError
from stylesmith.latents import RandomKeys
from stylesmith.metrics import extraction
from stylesmith.metrics.classifiers import Classifiers
from stylesmith.metrics.copy_share import copy_share
from stylesmith.metrics.extraction import FeatureStatistics, LabeledLatents, ProgressReporter
from stylesmith.metrics.image_sources import ImageSource, ModelSource
from stylesmith.metrics.path_length import trimmed_mean
from stylesmith.metrics.precision_recall import authenticity_ratios, compute_precision_recall
from stylesmith.metrics.protocol import Metric
from stylesmith.metrics.scores import frechet_distance, kernel_distance
from stylesmith.metrics.separability import linear_separability

MAX_LISTED_IMAGES = 16
"""Length of the lists of extreme images."""
HISTOGRAM_BINS = 50
"""Bins of the histogram of per-image path lengths."""


@dataclass(frozen=True)
class MetricValues:
    """The numbers of one metric in one repeat; empty in all processes but the main one."""

    values: dict[str | None, float] = field(default_factory=dict)
    """By name; None names the only one."""
    details: dict[str, Any] = field(default_factory=dict)


def score_against_real(
    metric: Metric,
    real: FeatureStatistics,
    fake: FeatureStatistics,
    real_count: int,
    *,
    held_out: Sequence[int] = (),
    device: torch.device,
) -> MetricValues:
    """Compare generated images with real ones.

    Args:
        metric: Of a family that compares.
        real: Statistics of the real images.
        fake: Statistics of the generated ones.
        real_count: How many real images the metric takes.
        held_out: Indices of those that were kept from training; only `copies` takes them.
        device: Where to compute.
    """
    if not distributed.is_main():
        return MetricValues()
    if metric.family == "fd":
        distance = frechet_distance(real.moments[real_count], fake.moments[metric.count])
        return MetricValues({None: distance})
    a, b = real.features[:real_count].to(device), fake.features[: metric.count].to(device)
    if metric.family == "kd":
        return MetricValues({None: kernel_distance(a, b, keys=RandomKeys(0))})
    if metric.family == "pr":
        manifolds = compute_precision_recall(a, b, k=metric.k)
        return MetricValues({name: value for name, value in vars(manifolds).items()})
    if metric.family == "copies":
        kept = torch.zeros(len(a), dtype=torch.bool, device=a.device)
        kept[list(held_out)] = True
        found = copy_share(b, a[~kept], a[kept])
        return MetricValues({"share": found.share, "control": found.control})
    ratios, nearest = authenticity_ratios(b, a)
    order = ratios.argsort()[:MAX_LISTED_IMAGES].tolist()
    closest = [
        {"sample": i, "real": int(nearest.indices[i, 0]), "ratio": float(ratios[i])} for i in order
    ]
    copies = float(to_float64(ratios < 1).mean())
    return MetricValues({"copies": copies, "ratio": float(ratios.median())}, {"closest": closest})


def score_generated(
    metric: Metric, network: Any, fake: ImageSource, reporter: ProgressReporter
) -> MetricValues:
    """Measure generated images, or the latent space, by themselves."""
    if metric.family == "is":
        mean, spread = extraction.inception_score(fake, network, metric.count, reporter)
        return MetricValues({"mean": mean, "std": spread})
    model = cast(ModelSource, fake)  # checked before
    if metric.family == "ls":
        labeled = extraction.label_latents(model, network, metric.count, reporter)
        return score_separability(labeled, network, reporter)
    scores = extraction.path_length_samples(model, network, metric, reporter)
    if not np.isfinite(scores).all():
        raise ModelError(f"{fake.name}: draws images that are not finite. Try an older snapshot.")
    if metric.family == "ppl":
        return MetricValues({None: trimmed_mean(scores)})
    return path_length_distribution(scores)


def score_separability(
    labeled: LabeledLatents, classifiers: Classifiers, reporter: ProgressReporter
) -> MetricValues:
    """Separability in both latent spaces, with the entropy of each attribute."""
    if not distributed.is_main():
        return MetricValues()
    count, names = len(labeled.z) // 2, classifiers.attributes
    reporter.notify(f"ls: fitting {2 * len(names)} hyperplanes to {count:,} latents each")
    z, w = (linear_separability(points, labeled.logits, names) for points in (labeled.z, labeled.w))
    entropies = {"z": z.entropies, "w": w.entropies}
    return MetricValues({"z": z.score, "w": w.score}, {"entropies": entropies})


def path_length_distribution(scores: np.ndarray) -> MetricValues:
    """Distribution of per-image path lengths: StyleGAN2's Figure 5, and the images of Figure 4."""
    top = float(np.percentile(scores, 99))
    counts, edges = np.histogram(scores, bins=HISTOGRAM_BINS, range=(0.0, top))
    order = np.argsort(scores, kind="stable")
    details = {
        "percentiles": {str(p): float(np.percentile(scores, p)) for p in (10, 50, 90)},
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "lowest": order[:MAX_LISTED_IMAGES].tolist(),
        "highest": order[::-1][:MAX_LISTED_IMAGES].tolist(),
    }
    return MetricValues({None: float(scores.mean())}, details)


@dataclass(frozen=True)
class MetricResult:
    """One number, and everything that it depends on."""

    metric: str
    """Name without counts: `fid`, `fd_random`, `ppl2_wend`."""
    part: str | None
    """Which of several numbers: `precision`, `recall`, `z`, `w`; None where there is one."""
    protocol: str
    """The exact name: `fid50k_full`."""
    values: tuple[float, ...]
    """One per repeat, each with other samples."""
    samples: int
    """Generated images; pairs of them, for path lengths."""
    reals: int | None
    """Real images; None where there are none."""
    network: str
    """Extractor or distance."""
    network_hash: str
    model: str
    model_hash: str
    data: str | None
    data_hash: str | None
    psi: float | None
    """Truncation; 1 is off, None where images come from files."""
    precision: str | None
    """Number format of the generator."""
    seed: int
    """Of the first repeat; each further one counts up."""
    seconds: float
    """Of all repeats; a pass that serves several metrics counts in each of them."""
    notes: tuple[str, ...] = ()
    """Why the number may mislead."""
    details: dict[str, Any] = field(default_factory=dict)
    """More than one number, of the first repeat."""

    @property
    def value(self) -> float:
        """Mean over the repeats."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Standard deviation over the repeats (divided by n - 1); None for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def title(self) -> str:
        """The exact name with its part."""
        return f"{self.protocol} {self.part}" if self.part else self.protocol

    def to_json(self) -> str:
        """One line."""
        head = {"metric": self.metric, "part": self.part, "value": self.value}
        rest = asdict(self)
        return json.dumps(head | {"spread": self.std} | rest, allow_nan=False)


def results_table(results: Sequence[MetricResult]) -> Table:
    """A table for the terminal."""
    table = Table("metric", "value", "spread", "samples", "reals", "network", "seconds", box=None)
    for result in results:
        spread = "" if result.std is None else f"{result.std:.2g}"
        reals = "" if result.reals is None else f"{result.reals:,}"
        network = f"{result.network} {result.network_hash[:8]}"
        value, count = f"{result.value:.5g}", f"{result.samples:,}"
        table.add_row(result.title, value, spread, count, reals, network, f"{result.seconds:,.1f}")
    return table


def unique_notes(results: Sequence[MetricResult]) -> list[str]:
    """Every note once."""
    return list(dict.fromkeys(note for result in results for note in result.notes))
