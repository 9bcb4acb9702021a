"""What a table of metrics is: its columns, its rows, and what the paper printed in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stylesmith.metrics.protocol import Metric, parse_metric
from stylesmith.presets.published import PublishedValue

PathSpace = Literal["z", "w"]


@dataclass(frozen=True)
class MetricColumn:
    """One number of each row."""

    title: str
    """As the paper calls it."""
    metric: str
    """What the paper measured, by its exact name."""
    part: str | None = None
    larger_is_better: bool = False
    by_latent_space: bool = False
    """Whether it is measured in the latent space that the row names."""

    def measured_by(self, space: PathSpace) -> tuple[Metric, str | None]:
        """The metric and its part that the paper has in rows of this latent space."""
        metric = parse_metric(self.metric)
        if not self.by_latent_space:
            return metric, self.part
        if metric.family == "ls":
            return metric, space
        return replace(metric, space=space), None

    def accepts(self, metric: Metric, part: str | None, space: PathSpace) -> bool:
        """Whether a number belongs here, be it by another network or from other counts."""
        wanted, wanted_part = self.measured_by(space)
        return _comparison_key(metric) == _comparison_key(wanted) and part == wanted_part

    @property
    def heading(self) -> str:
        """The title, with an arrow towards the better."""
        return f"{self.title} {'↑' if self.larger_is_better else '↓'}"


@dataclass(frozen=True)
class TableRow:
    """One configuration."""

    name: str
    """What users call it."""
    labels: tuple[str, ...]
    """What stands left of its numbers."""
    published: tuple[PublishedValue | None, ...]
    """By column; None where the paper gives nothing that we know of."""
    presets: tuple[str, ...]
    """The configurations whose runs belong here; the first is the one to train."""
    space: PathSpace = "w"


@dataclass(frozen=True)
class MetricTable:
    """One table of a paper."""

    id: str
    """`stylegan2-1`: the paper and the table's number."""
    title: str
    caption: str
    labels: tuple[str, ...]
    """Above the labels of rows."""
    columns: tuple[MetricColumn, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[Metric]:
        """All that the paper measured, each once."""
        spaces: Sequence[PathSpace] = list(dict.fromkeys(row.space for row in self.rows))
        found = [column.measured_by(space)[0] for column in self.columns for space in spaces]
        return list(dict.fromkeys(found))

    def rows_of(self, preset: str) -> list[TableRow]:
        """The rows that runs with this preset fill; mostly one or none."""
        return [row for row in self.rows if preset in row.presets]


def _comparison_key(metric: Metric) -> tuple[object, ...]:
    """What a number is about, whoever looked and however often."""
    return metric.family, metric.mixed_latents, metric.space, metric.whole_path, metric.crop_to_face
