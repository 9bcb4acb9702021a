"""Attribution: whether a generator made an image, by the distance to its projection.

Source: StyleGAN2, section 5.1 and Figure 10.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from stylesmith import files
from stylesmith.charts import ChartPoint, line_chart
from stylesmith.errors import DataError, UsageError
from stylesmith.inversion.latent_optimizer import LatentOptimizer
from stylesmith.inversion.projection_variables import ProjectionSettings
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.perception.extractors import open_distance

DISTANCE_BINS = 30


@dataclass(frozen=True)
class DistanceSeparation:
    """Sorted distances of generated and of real images, and how well they tell them apart."""

    generated: tuple[float, ...]
    real: tuple[float, ...]

    @classmethod
    def from_distances(
        cls, generated: Sequence[float], real: Sequence[float]
    ) -> "DistanceSeparation":
        """One or more distances of each, in any order."""
        return cls(tuple(sorted(generated)), tuple(sorted(real)))

    def describe(self, distance: str) -> tuple[str, str]:
        """Two lines: medians of the distance of that name, and what the threshold separates."""
        own, other, threshold = median(self.generated), median(self.real), self.threshold
        ratio = f", ratio {own / other:.3f}" if other else ""
        recognized = f"{100 * self.true_positive_rate(threshold):.0f}% of generated images"
        mistaken = f"{100 * self.false_positive_rate(threshold):.0f}% of real ones"
        return (
            f"Median distance ({distance}): generated {own:.5f}, real {other:.5f}{ratio}",
            f"AUC {self.auc:.3f}; below the threshold {threshold:.5f}: {recognized}, {mistaken}",
        )

    @property
    def auc(self) -> float:
        """Probability that a generated image has the smaller distance; ties count half."""
        wins = sum(
            len(self.real) - (bisect_left(self.real, d) + bisect_right(self.real, d)) / 2
            for d in self.generated
        )
        return wins / (len(self.generated) * len(self.real))

    @property
    def threshold(self) -> float:
        """Distance below which an image counts as generated: least sum of both error rates.

        In the middle between two distances; of several that are equally good, the middle one.
        """
        values = sorted({*self.generated, *self.real})
        cuts = [(low + high) / 2 for low, high in pairwise(values)] or values
        errors = [self.false_positive_rate(t) + 1 - self.true_positive_rate(t) for t in cuts]
        best = [cut for cut, error in zip(cuts, errors, strict=True) if error == min(errors)]
        return best[len(best) // 2]

    @property
    def roc(self) -> list[tuple[float, float]]:
        """False and true positive rate at each threshold, from (0, 0) to (1, 1)."""
        thresholds = [*sorted({*self.generated, *self.real})[1:], math.inf]
        rates = [(self.false_positive_rate(t), self.true_positive_rate(t)) for t in thresholds]
        return [(0.0, 0.0), *rates]

    def false_positive_rate(self, threshold: float) -> float:
        """Share of real images that would count as generated."""
        return bisect_left(self.real, threshold) / len(self.real)

    def true_positive_rate(self, threshold: float) -> float:
        """Share of generated images that would be recognized."""
        return bisect_left(self.generated, threshold) / len(self.generated)


def histogram_chart(separation: DistanceSeparation, *, distance: str) -> str:
    """Outlines of both histograms and the threshold, as SVG (StyleGAN2, Figure 10)."""
    values = {"generated": separation.generated, "real": separation.real}
    width = max(separation.generated[-1], separation.real[-1]) / DISTANCE_BINS or 1.0
    outlines = {
        f"{name} ({len(found)})": _histogram_outline(found, width) for name, found in values.items()
    }
    top = max(y for outline in outlines.values() for _, y in outline)
    threshold = [(separation.threshold, 0.0), (separation.threshold, top)]
    series: dict[str, Sequence[ChartPoint]] = {**outlines, "threshold": threshold}
    return line_chart(
        series,
        title="Distance from an image to its projection",
        x_label=f"distance ({distance})",
        y_label="% of images",
    )


def roc_chart(separation: DistanceSeparation) -> str:
    """Receiver operating characteristic, as SVG."""
    series: dict[str, Sequence[ChartPoint]] = {
        f"AUC {separation.auc:.3f}": separation.roc,
        "chance": [(0.0, 0.0), (1.0, 1.0)],
    }
    return line_chart(
        series,
        title="Generated images recognized",
        x_label="share of real images taken for generated",
        y_label="share of generated images recognized",
        width=480,
        height=420,
    )


def _histogram_outline(values: Sequence[float], width: float) -> list[tuple[float, float]]:
    """Left and right corner of each bin, from 0 on; heights in percent."""
    corners = [(0.0, 0.0)]
    for i in range(DISTANCE_BINS):
        low, high = i * width, (i + 1) * width
        last = len(values) if i == DISTANCE_BINS - 1 else bisect_left(values, high)
        share = 100 * (last - bisect_left(values, low)) / len(values)
        corners += [(low, share), (high, share)]
    return [*corners, (DISTANCE_BINS * width, 0.0)]


CALIBRATION_VERSION = 1


@dataclass(frozen=True)
class AttributionCalibration:
    """Distances of generated and of real images, and how they were measured."""

    separation: DistanceSeparation
    model: str
    """Hash of the generator."""
    distance: str
    distance_weights: str
    settings: ProjectionSettings

    @classmethod
    def from_distances(
        cls, optimizer: LatentOptimizer, generated: Sequence[float], real: Sequence[float]
    ) -> "AttributionCalibration":
        """Calibrate by the distances that an optimizer reached for images of both kinds."""
        found, distance = DistanceSeparation.from_distances(generated, real), optimizer.distance
        model = model_hash(optimizer.generator)
        return cls(found, model, distance.name, distance.weights_hash, optimizer.settings)

    def save(self, path: Path) -> None:
        """Write JSON; AUC, threshold and error rates stand beside the distances.

        Charts of the histograms and of the ROC are written as SVG files beside it.

        Raises:
            OutputError: If a file cannot be written.
        """
        found = self.separation
        value = {
            "format": "stylesmith attribution",
            "version": CALIBRATION_VERSION,
            "model": self.model,
            "distance": self.distance,
            "distance_weights": self.distance_weights,
            "settings": self.settings.describe(),
            "auc": found.auc,
            "threshold": found.threshold,
            "generated_recognized": found.true_positive_rate(found.threshold),
            "real_mistaken": found.false_positive_rate(found.threshold),
            "generated": list(found.generated),
            "real": list(found.real),
        }
        files.write_json(path, value)
        histogram = histogram_chart(found, distance=self.distance)
        files.write_text(path.with_name("histograms.svg"), histogram)
        files.write_text(path.with_name("roc.svg"), roc_chart(found))


def open_calibration(
    path: Path, generator: Generator
) -> tuple[LatentOptimizer, DistanceSeparation]:
    """Open a calibration of a generator: an optimizer with its settings, and what it found.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
        UsageError: If the weights of the distance have changed.
    """
    learned = read_calibration(path, model=model_hash(generator))
    distance = open_distance(learned.distance, generator.mapping.w_avg.device)
    if distance.weights_hash != learned.distance_weights:
        raise UsageError(
            f"{path}: was made with other weights of the distance {distance.name!r}; calibrate anew"
        )
    return LatentOptimizer(generator, distance, learned.settings), learned.separation


def read_calibration(path: Path, *, model: str) -> AttributionCalibration:
    """Read a calibration for a generator, whose hash is `model`.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    try:
        value = files.parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path}: cannot be read ({reason}); wanted a calibration, which `stylesmith "
            "attribution MODEL --generated N --real DATA` writes"
        ) from None
    if not isinstance(value, dict) or value.get("format") != "stylesmith attribution":
        raise DataError(f"{path}: no calibration; wanted the calibration.json of an attribution")
    if value.get("version") != CALIBRATION_VERSION:
        raise DataError(
            f"{path}: of format {value.get('version')}; this stylesmith reads {CALIBRATION_VERSION}"
        )
    if value.get("model") != model:
        raise DataError(
            f"{path}: belongs to the model {value.get('model')}, this one is {model}. Calibrate "
            "each model by itself."
        )
    try:
        generated, real = ([float(d) for d in value[kind]] for kind in ("generated", "real"))
        if not (generated and real):
            raise ValueError("no distances")
        return AttributionCalibration(
            DistanceSeparation.from_distances(generated, real),
            str(value["model"]),
            str(value["distance"]),
            str(value["distance_weights"]),
            ProjectionSettings(**value["settings"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: damaged ({error}); calibrate anew") from None


@dataclass(frozen=True)
class AttributionVerdict:
    """The answer whether a network made an image, and the evidence."""

    distance: float
    separation: DistanceSeparation

    @property
    def generated(self) -> bool:
        """Whether the image counts as this network's."""
        return self.distance < self.separation.threshold

    @property
    def evidence(self) -> str:
        """Position of the distance among those of the calibration."""
        found = self.separation
        closer = sum(d <= self.distance for d in found.real)
        farther = sum(d >= self.distance for d in found.generated)
        below = "below" if self.generated else "not below"
        return (
            f"distance {self.distance:.5f}, {below} the threshold {found.threshold:.5f}; "
            f"{closer} of {len(found.real)} real images came as close, {farther} of "
            f"{len(found.generated)} generated ones came no closer"
        )

    def describe(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "generated_by_this_network": self.generated,
            "distance": self.distance,
            "threshold": self.separation.threshold,
            "auc": self.separation.auc,
            "evidence": self.evidence,
        }
