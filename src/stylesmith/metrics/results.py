"""What a measurement says of itself, for programs (JSON lines) and for people (a table)."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


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
