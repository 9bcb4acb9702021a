"""What attribution learned of a network, as a file; and verdicts by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesmith import files
from stylesmith.errors import DataError
from stylesmith.inversion.attribution import DistanceSeparation
from stylesmith.inversion.settings import ProjectionSettings

CALIBRATION_VERSION = 1


@dataclass(frozen=True)
class AttributionCalibration:
    """Distances of images of both kinds, and how they were found."""

    separation: DistanceSeparation
    model: str
    """Hash of the generator."""
    distance: str
    distance_weights: str
    settings: ProjectionSettings

    def save(self, path: Path) -> None:
        """Write JSON; the figures that readers want stand beside the distances.

        Raises:
            OutputError: If the file cannot be written.
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


def read_calibration(path: Path, *, model: str) -> AttributionCalibration:
    """Read a calibration for a generator, whose hash is `model`.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
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
    return _parse_calibration(value, path)


def _parse_calibration(value: Mapping[str, Any], path: Path) -> AttributionCalibration:
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
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}); calibrate anew") from None


@dataclass(frozen=True)
class AttributionVerdict:
    """Whether a network made a picture, and why one should think so."""

    distance: float
    separation: DistanceSeparation

    @property
    def generated(self) -> bool:
        """Whether the picture counts as this network's."""
        return self.distance < self.separation.threshold

    @property
    def evidence(self) -> str:
        """Where the distance lies among those that are known."""
        found = self.separation
        closer = sum(d <= self.distance for d in found.real)
        farther = sum(d >= self.distance for d in found.generated)
        side = "below" if self.generated else "not below"
        return (
            f"distance {self.distance:.5f}, {side} the threshold {found.threshold:.5f}; "
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
