"""Did this network make this picture? How close projections come, told apart (StyleGAN2, 5.1).

Images of a network project back far closer than others do, so that a distance tells where an image
comes from, once those of both kinds are known.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stylesmith.charts import ChartPoint, line_chart

DISTANCE_BINS = 30


@dataclass(frozen=True)
class DistanceSeparation:
    """The distances of both kinds of images, sorted, and what they tell."""

    generated: tuple[float, ...]
    real: tuple[float, ...]

    @classmethod
    def from_distances(
        cls, generated: Sequence[float], real: Sequence[float]
    ) -> "DistanceSeparation":
        """At least one distance of each kind, in any order."""
        assert generated and real
        return cls(tuple(sorted(generated)), tuple(sorted(real)))

    @property
    def auc(self) -> float:
        """Chance that a generated image comes closer than a real one; ties count half."""
        wins = sum(
            len(self.real) - (bisect_left(self.real, d) + bisect_right(self.real, d)) / 2
            for d in self.generated
        )
        return wins / (len(self.generated) * len(self.real))

    @property
    def threshold(self) -> float:
        """Below it an image counts as generated: where the shares of errors add up to least.

        In the middle between two distances; of several that are equally good, the middle one.
        """
        values = sorted({*self.generated, *self.real})
        cuts = [(low + high) / 2 for low, high in pairwise(values)] or values
        errors = [self._error_sum(cut) for cut in cuts]
        best = [cut for cut, error in zip(cuts, errors, strict=True) if error == min(errors)]
        return best[len(best) // 2]

    @property
    def roc(self) -> list[tuple[float, float]]:
        """Shares of real and of generated images below each threshold, from none to all."""
        values = sorted({*self.generated, *self.real})
        return [(0.0, 0.0)] + [
            (bisect_right(self.real, v) / len(self.real), self._generated_at_most(v))
            for v in values
        ]

    def false_positive_rate(self, threshold: float) -> float:
        """Share of real images that would count as generated."""
        return bisect_left(self.real, threshold) / len(self.real)

    def true_positive_rate(self, threshold: float) -> float:
        """Share of generated images that would be recognized."""
        return bisect_left(self.generated, threshold) / len(self.generated)

    def _generated_at_most(self, distance: float) -> float:
        return bisect_right(self.generated, distance) / len(self.generated)

    def _error_sum(self, threshold: float) -> float:
        return self.false_positive_rate(threshold) + 1 - self.true_positive_rate(threshold)


def histogram_chart(separation: DistanceSeparation, *, distance: str) -> str:
    """Outlines of both histograms and the threshold, as SVG (StyleGAN2, Figure 10)."""
    width = max(separation.generated[-1], separation.real[-1]) / DISTANCE_BINS or 1.0
    generated, real = (
        _histogram_outline(values, width) for values in (separation.generated, separation.real)
    )
    top = max(y for outline in (generated, real) for _, y in outline)
    series: dict[str, Sequence[ChartPoint]] = {
        f"generated ({len(separation.generated)})": generated,
        f"real ({len(separation.real)})": real,
        "threshold": [(separation.threshold, 0.0), (separation.threshold, top)],
    }
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
