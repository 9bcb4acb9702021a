"""Pinned values, and what differs from them."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

DATA = Path(__file__).parent / "data"
VECTORS = ("avx", "amx", "fma", "sse4")
"""Beginnings of the instruction sets that decide how sums are rounded."""


def pinned(name: str) -> Any:
    """The content of a file of pinned values, `NAME.json` or `NAME.json.gz`."""
    path = DATA / f"{name}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    return json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))


def machine() -> str:
    """What bits of results depend on, with one thread: torch, the processor, its instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    parts = [line.partition(":") for line in reversed(lines)]
    fields = {name.strip(): value.strip() for name, _, value in parts}
    sets = sorted(flag for flag in fields.get("flags", "").split() if flag.startswith(VECTORS))
    return " | ".join(
        [
            f"torch {torch.__version__}",
            torch.backends.cpu.get_cpu_capability(),
            fields.get("model name", "unknown"),
            hashlib.sha256(" ".join(sets).encode()).hexdigest()[:8],
        ]
    )


def exact(name: str) -> Any | None:
    """A value that was pinned on a machine of this kind; None on all others."""
    return pinned("exact").get(machine(), {}).get(name)


def lost(was: Any, found: Any, place: str = "") -> list[str]:
    """What of `was` is no longer so; new keys of objects are no loss."""
    if isinstance(was, dict) and isinstance(found, dict):
        return [
            line
            for key, value in was.items()
            for line in (
                lost(value, found[key], f"{place}.{key}" if place else key)
                if key in found
                else [f"{place}: {key} is gone"]
            )
        ]
    return [] if was == found else [f"{place}: was {was!r}, is {found!r}"]


def changed(was: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Every difference of two tables: names gone, new ones, and other values."""
    gone = [f"{name} is gone" for name in was if name not in found]
    new = [f"{name} is new" for name in found if name not in was]
    return gone + new + lost({k: v for k, v in was.items() if k in found}, found)


def keys_of(value: Any) -> Any:
    """The keys of nested objects, with their values left out."""
    if isinstance(value, dict):
        return {key: keys_of(item) for key, item in value.items()}
    return None


def layout(tensors: dict[str, Tensor]) -> dict[str, str]:
    """Type and shape of each tensor, as in `float32 3 8 1 1`."""
    return {
        name: " ".join([str(t.dtype).removeprefix("torch."), *map(str, t.shape)])
        for name, t in tensors.items()
    }


def digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 of tensors, by name, type, shape and every bit."""
    state = hashlib.sha256()
    for name, description in sorted(layout(tensors).items()):
        state.update(f"{name} {description}\n".encode())
        plain = tensors[name].detach().contiguous().reshape(-1)
        state.update(plain.view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of any of stylesmith's files, by safetensors alone."""
    with safe_open(path, framework="pt") as opened:
        header = json.loads(opened.metadata()["stylesmith"])
        return {name: opened.get_tensor(name) for name in opened.keys()}, header  # noqa: SIM118


def describe_file(path: Path) -> dict[str, Any]:
    """Format of one of stylesmith's files: keys of its header, names and shapes of its tensors."""
    with safe_open(path, framework="pt") as opened:
        metadata = dict.fromkeys(opened.metadata())
    tensors, header = read_file(path)
    return {
        "metadata": metadata,
        "kind": header["kind"],
        "version": header["version"],
        "header": keys_of(header),
        "tensors": layout(tensors),
    }


def read_pixels(path: Path) -> np.ndarray:
    """An image, uint8 `(H, W, C)`."""
    with Image.open(path) as image:
        return np.asarray(image)


def to_pixels(images: Tensor) -> np.ndarray:
    """Images of -1..1, `(N, C, H, W)`, beside each other: uint8 `(H, N * W, C)`."""
    row = torch.cat(list(images), dim=2).permute(1, 2, 0)
    return ((row + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def assert_same_pixels(found: np.ndarray, name: str) -> None:
    """Hold an image to `images/NAME.png`: every bit on such a machine, else to one gray level."""
    was = read_pixels(DATA / "images" / f"{name}.png")
    assert found.shape == was.shape, name
    off = np.abs(found.astype(int) - was).max()
    assert off <= (0 if exact("images") else 1), f"{name}: pixels are off by {off}"
