"""Small data sets made with Pillow."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def noise(seed: int, *, size: tuple[int, int] = (32, 32), channels: int = 3) -> np.ndarray:
    """Random pixels, `(H, W, C)`, or `(H, W)` for one channel."""
    shape = size if channels == 1 else (*size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(seed: int, suffix: str = ".png", *, size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(seed, size=size)).save(buffer, Image.registered_extensions()[suffix])
    return buffer.getvalue()


@pytest.fixture
def make_image() -> Callable[..., bytes]:
    """`make_image(seed, suffix, size=(h, w))`: the bytes of an image of noise."""
    return encoded


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Path]:
    """`make_folder({name: bytes})`: a folder with these files."""

    def make(content: Mapping[str, bytes]) -> Path:
        folder = tmp_path / "photos"
        folder.mkdir()
        for name, data in content.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    return make


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """`make_zip({name: bytes})`: a zip with these files."""

    def make(content: Mapping[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "photos.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return path

    return make


@pytest.fixture
def labels_file() -> Callable[[object], bytes]:
    """`labels_file(labels)`: the bytes of a `dataset.json`."""
    return lambda labels: json.dumps({"labels": labels}).encode()
