"""Random weights in the layouts of the public files, the same on every machine.

Each tensor is a window that slides over a few hundred thousand numbers, so that files are small:
element (i, j, k, l) is number 31i + 7j + 3k + l. It is as good as random for telling layouts apart.
"""

from math import prod, sqrt
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent
STRIDES = (31, 7, 3, 1)


def layout(name: str) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor in a public file, from `layouts/NAME.txt`."""
    lines = (FOLDER / "layouts" / f"{name}.txt").read_text().splitlines()
    rows = [line.split() for line in lines]
    return {key: tuple(map(int, shape)) for key, *shape in rows}


def random_weights(name: str) -> dict[str, Tensor]:
    """A state dict of that layout, scaled so that activations keep their size."""
    rng = np.random.RandomState(7)
    return {key: _tensor(key, shape, rng) for key, shape in layout(name).items()}


def random_images(*shape: int, seed: int = 0) -> Tensor:
    """uint8 noise, smoothed by repetition so that networks see more than its mean."""
    n, channels, height, width = shape
    small = np.random.RandomState(seed).randint(
        0, 256, (n, channels, height // 4, width // 4), dtype=np.uint8
    )
    return torch.from_numpy(small.repeat(4, 2).repeat(4, 3))


def thin(values: Tensor) -> Tensor:
    """Every 32nd number of one row, and the length of all: `(1, D)` -> `(D / 32 + 1,)`."""
    return torch.cat([values[0, ::32], values[0].norm()[None]])


def _tensor(key: str, shape: tuple[int, ...], rng: np.random.RandomState) -> Tensor:
    strides = STRIDES[: len(shape)] if len(shape) > 1 else (1,)
    count = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    numbers = rng.random_sample(count) * 2 - 1
    if key.endswith("running_var"):
        numbers = 1 + 0.5 * numbers
    elif key.startswith("lin"):
        numbers = np.abs(numbers)
    elif len(shape) > 1:
        numbers *= sqrt(4 / prod(shape[1:]))  # a little under He's constant, for rows overlap
    elif "bn.weight" in key:
        numbers = 1 + 0.2 * numbers
    else:
        numbers *= 0.2
    return torch.from_numpy(numbers.astype(np.float32)).as_strided(shape, strides)
