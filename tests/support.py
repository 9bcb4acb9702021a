"""Tiny data, configs and runs that tests share; a whole run takes a second."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stylesmith import runs
from stylesmith.config import RunConfig, apply_overrides
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.data.loader import BatchLoader
from stylesmith.latents import RandomKeys
from stylesmith.models import RunFolder
from stylesmith.presets.own_presets import tiny
from stylesmith.tensor_file import read_tensor_file
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState
from stylesmith.training.train_step import TrainStep
from stylesmith.training.trainer import RunLimits

CPU = torch.device("cpu")
BATCH = 4
"""Of preset `tiny`."""


def make_photos(folder: Path, *, size: int = 8, count: int = 16, classes: int = 2) -> Path:
    """A folder with one subfolder of noise images per class."""
    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / f"class{i % classes}" / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path)
    return folder


def read_pixels(path: Path) -> np.ndarray:
    """Pixels of an image file as integers, `(H, W, C)`."""
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def tiny_config(
    photos: Path, *settings: str, steps: int = 8, conditional: bool = False, mirror: bool = False
) -> tuple[RunConfig, Dataset]:
    """Preset `tiny` for these photos, `steps` long, with `key=value` settings."""
    dataset = open_dataset(photos)
    data = runs.make_data_config(
        dataset, conditional=conditional, mirror=mirror, skip_bad=False, resize=False
    )
    length = f"training.kimg={kimg(steps)}"
    return apply_overrides(tiny(data), [length, *settings]), dataset


def kimg(steps: int) -> float:
    """Length of a run of preset `tiny`."""
    return steps * BATCH / 1000


def start(
    photos: Path, out: Path, *settings: str, minutes: float | None = None, **options: Any
) -> RunFolder:
    """Train a new run in this process; options are those of `tiny_config`."""
    config, dataset = tiny_config(photos, *settings, **options)
    session = runs.RunOptions(device=CPU, limits=RunLimits(minutes))
    runs.start(config, dataset, out, session, notify=lambda text: None)
    return RunFolder(out)


def resume(run: RunFolder, *settings: str, steps: int) -> list[str]:
    """Go on in this process up to `steps`; returns what was said."""
    said: list[str] = []
    config = apply_overrides(run.read_config(), [f"training.kimg={kimg(steps)}", *settings])
    runs.resume(run, config, runs.RunOptions(device=CPU), notify=said.append)
    return said


def make_train_step(
    config: RunConfig, dataset: Dataset, *, state: TrainState | None = None
) -> TrainStep:
    """A training step in this process alone, with micro-batches as the config says."""
    keys = RandomKeys(config.training.seed)
    loader = BatchLoader(dataset, keys=keys, mirror=config.data.mirror, workers=1)
    schedule = Schedule(config, processes=1)
    state = state or TrainState.create(config, torch.get_default_device())
    return TrainStep(config, state, loader, schedule, keys)


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The present values of live tensors."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> list[str]:
    """Names whose tensors are not equal in every bit."""
    assert first.keys() == second.keys()
    return [name for name in first if not _same_bits(first[name], second[name])]


def _same_bits(a: Tensor, b: Tensor) -> bool:
    rows = [x.detach().contiguous().reshape(-1).view(torch.uint8) for x in (a, b)]
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(*rows)


def newest_state(run: RunFolder) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of the newest checkpoint, without the time that it took."""
    tensors, header = read_tensor_file(run.checkpoints()[0], kind="checkpoint")
    del header["clocks"]["seconds"]
    return tensors, header


def garble(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def truncate(path: Path) -> None:
    """Cut a file in half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


DAMAGES: list[Callable[[Path], None]] = [garble, truncate, lambda path: path.write_bytes(b"")]


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    def error(self, *, status: int = 2) -> str:
        """The one line that a failed command leaves on stderr."""
        assert self.status == status, (self.out, self.err)
        assert self.err.startswith("error: ") and self.err.endswith("\n"), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("error: ").rstrip()


def child_environment(**extra: str) -> dict[str, str]:
    """The environment of a process started by a test; one thread, as in `one_thread`."""
    return os.environ | {"OMP_NUM_THREADS": "1"} | extra


def stylesmith(*arguments: object) -> Result:
    """Run the command line in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "stylesmith", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=120,
    )
    return Result(done.returncode, done.stdout, done.stderr)
