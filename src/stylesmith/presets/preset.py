"""What a preset is."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.presets.data_sets import PaperDataset
from stylesmith.presets.published import PublishedResults, published_results_of

BuildPreset = Callable[[DataConfig, torch.device], RunConfig]


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    name: str
    paper: str
    """`StyleGAN` or `StyleGAN2`; empty where it is our own."""
    table: str
    """Table, figure or appendix of the paper."""
    row: str
    """Row of the table, where its rows have letters."""
    summary: str
    build: BuildPreset
    data_set: PaperDataset | None = None
    """The one it is for; most take any images."""
    example_size: tuple[int, int] = (1024, 1024)
    """Height and width for which it is shown: those of the paper."""

    @property
    def source(self) -> str:
        """`StyleGAN2, Table 1, F`; empty where it is our own."""
        return ", ".join(part for part in (self.paper, self.table, self.row) if part)

    @property
    def results(self) -> PublishedResults:
        """What the paper measured."""
        return published_results_of(self.name)
