"""Statistics of real images, kept between commands by content: not by name, not by path."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import distributed
from stylesmith.errors import ModelError, OutputError
from stylesmith.metrics.fingerprint import blake2b_digest
from stylesmith.models.container import TensorFileKind, read_tensor_file, write_tensor_file

STATISTICS_KIND: TensorFileKind = "statistics"
CACHE_VERSION = 1
"""Of what the statistics are; another number lets go of all old files."""


@dataclass(frozen=True)
class CacheKey:
    """Everything that statistics depend on."""

    kind: str
    """`moments` or `features`."""
    data: str
    """Hash of the images."""
    extractor: str
    """Hash of the network's weights."""
    count: int
    """How many images, from the first on."""


def default_cache_folder() -> Path:
    """`STYLESMITH_CACHE`, else `stylesmith/metrics` in the user's cache folder."""
    place = os.environ.get("STYLESMITH_CACHE")
    if place:
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stylesmith/metrics"


@dataclass(frozen=True)
class StatisticsCache:
    """A folder of statistics; a missing, damaged or unwritable file only costs time."""

    folder: Path | None
    """None keeps nothing."""

    def load(self, key: CacheKey) -> dict[str, Tensor] | None:
        """The statistics of this key; None if they must be made.

        All processes take them, or none does.
        """
        found = self._read(key)
        owners = distributed.all_reduce_sum(torch.tensor(0.0 if found is None else 1.0))
        return found if int(owners) == distributed.world_size() else None

    def save(self, key: CacheKey, tensors: Mapping[str, Tensor]) -> None:
        """Keep statistics; written by the main process alone."""
        if self.folder is None or not distributed.is_main():
            return
        try:
            write_tensor_file(self._path(key), tensors, {"key": vars(key)}, kind=STATISTICS_KIND)
        except OutputError:  # a full disk or a read-only home takes no result away
            return

    def _read(self, key: CacheKey) -> dict[str, Tensor] | None:
        if self.folder is None:
            return None
        try:
            return read_tensor_file(self._path(key), kind=STATISTICS_KIND)[0]
        except ModelError:
            return None

    def _path(self, key: CacheKey) -> Path:
        assert self.folder is not None
        name = blake2b_digest([json.dumps([CACHE_VERSION, vars(key)], sort_keys=True).encode()])
        return self.folder / f"{name}.safetensors"
