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
from stylesmith.metrics.fingerprint import digest
from stylesmith.models.container import Kind, read_container, write_container

KIND: Kind = "statistics"
VERSION = 1
"""Of what the statistics are; another number lets go of all old files."""


@dataclass(frozen=True)
class Key:
    """Everything that statistics depend on."""

    kind: str
    """`moments` or `features`."""
    data: str
    """Hash of the images."""
    extractor: str
    """Hash of the network's weights."""
    count: int
    """How many images, from the first on."""


def default_folder() -> Path:
    """`STYLESMITH_CACHE`, else `stylesmith/metrics` in the user's cache folder."""
    place = os.environ.get("STYLESMITH_CACHE")
    if place:
        return Path(place)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stylesmith/metrics"


@dataclass(frozen=True)
class Cache:
    """A folder of statistics; a missing, damaged or unwritable file only costs time."""

    folder: Path | None
    """None keeps nothing."""

    def load(self, key: Key) -> dict[str, Tensor] | None:
        """The statistics of this key; None if they must be made.

        All processes take them, or none does.
        """
        found = self._read(key)
        owners = distributed.total(torch.tensor(0.0 if found is None else 1.0))
        return found if int(owners) == distributed.world_size() else None

    def save(self, key: Key, tensors: Mapping[str, Tensor]) -> None:
        """Keep statistics; written by the main process alone."""
        if self.folder is None or not distributed.is_main():
            return
        try:
            write_container(self._path(key), tensors, {"key": vars(key)}, kind=KIND)
        except OutputError:  # a full disk or a read-only home takes no result away
            return

    def _read(self, key: Key) -> dict[str, Tensor] | None:
        if self.folder is None:
            return None
        try:
            return read_container(self._path(key), kind=KIND)[0]
        except ModelError:
            return None

    def _path(self, key: Key) -> Path:
        assert self.folder is not None
        name = digest([json.dumps([VERSION, vars(key)], sort_keys=True).encode()])
        return self.folder / f"{name}.safetensors"
