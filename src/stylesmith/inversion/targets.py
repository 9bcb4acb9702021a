"""Any picture as a network would draw it: its size, its channels, and what had to be changed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.data.decode import convert_channels, decode_image, image_to_array
from stylesmith.data.resize import center_crop_box, crop_and_resize
from stylesmith.errors import DataError
from stylesmith.networks import Generator

MODE_NAMES = {"L": "gray", "LA": "gray with transparency", "RGB": "RGB", "RGBA": "RGBA"}


@dataclass(frozen=True)
class ProjectionTarget:
    """A picture to be found in a network."""

    name: str
    """Of the files about it; no two targets of a command share it."""
    source: str
    """Where it comes from."""
    image: Tensor
    """`(C, H, W)`, -1..1, in the size of the network."""
    changes: str = ""
    """What was done to it, such as `640x480, cropped to its center`; empty if nothing."""

    @property
    def hash(self) -> str:
        """Of its pixels."""
        content = pixels.to_uint8(self.image).cpu().contiguous().numpy().tobytes()
        return hashlib.blake2b(content, digest_size=8).hexdigest()


def read_targets(paths: Sequence[Path], generator: Generator) -> list[ProjectionTarget]:
    """Read PNG, JPEG or WebP files; center-cropped, resized and converted as the network wants.

    Raises:
        DataError: If a file is missing, a folder, no image, or damaged.
    """
    names = unique_names([path.stem for path in paths])
    return [_read_target(path, name, generator) for path, name in zip(paths, names, strict=True)]


def unique_names(names: Sequence[str]) -> list[str]:
    """The names in order; one that came before, in any case of letters, gets a number."""
    taken: set[str] = set()
    found = []
    for name in names:
        number, free = 1, name
        while free.lower() in taken:
            number += 1
            free = f"{name}-{number}"
        taken.add(free.lower())
        found.append(free)
    return found


def _read_target(path: Path, name: str, generator: Generator) -> ProjectionTarget:
    size, channels = generator.image_size, generator.config.image_channels
    try:
        picture = decode_image(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason}); wanted a picture") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    changes = []
    found = picture.height, picture.width
    if found != size:
        left, top, right, bottom = center_crop_box(found, size)
        cropped = (bottom - top, right - left) != found
        crop = "cropped to its center and " if cropped else ""
        changes.append(f"{_format_size(found)}, {crop}resized to {_format_size(size)}")
    mode = pixels.PIL_MODES[channels]
    if picture.mode != mode:
        changes.append(f"{MODE_NAMES[picture.mode]}, made {MODE_NAMES[mode]}")
    array = image_to_array(crop_and_resize(convert_channels(picture, channels), size))
    image = pixels.from_uint8(torch.from_numpy(array))
    return ProjectionTarget(name, str(path), image, "; ".join(changes))


def _format_size(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
