"""Images to project: from files, from the generator itself, or from a data set.

All are in the size and channels of the network.
"""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.data.dataset import open_dataset
from stylesmith.data.decode import (
    center_crop_box,
    convert_channels,
    crop_and_resize,
    decode_image,
    image_to_array,
)
from stylesmith.errors import DataError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.inversion.projection_variables import ProjectionSettings
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.networks.sample_inputs import label_input
from stylesmith.networks.synthesis import NoiseMode

MODE_NAMES = {"L": "gray", "LA": "gray with transparency", "RGB": "RGB", "RGBA": "RGBA"}


@dataclass(frozen=True)
class ProjectionTarget:
    """An image to project."""

    name: str
    """Name of its result folder; no two targets of a command share it."""
    source: str
    """Its file, seed or data set, for messages."""
    image: Tensor
    """`(C, H, W)`, -1..1, in the size of the network."""
    changes: str = ""
    """Changes made to fit the network, such as `640x480, cropped to its center`; or empty."""

    @property
    def hash(self) -> str:
        """Hash of its pixels."""
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
        found = decode_image(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason}); wanted an image") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    changes, old_size = [], (found.height, found.width)
    if old_size != size:
        left, top, right, bottom = center_crop_box(old_size, size)
        crop = "cropped to its center and " if (bottom - top, right - left) != old_size else ""
        changes.append(f"{format_image_size(old_size)}, {crop}resized to {format_image_size(size)}")
    mode = pixels.PIL_MODES[channels]
    if found.mode != mode:
        changes.append(f"{MODE_NAMES[found.mode]}, made {MODE_NAMES[mode]}")
    array = image_to_array(crop_and_resize(convert_channels(found, channels), size))
    image = pixels.from_uint8(torch.from_numpy(array))
    return ProjectionTarget(name, str(path), image, "; ".join(changes))


def generated_targets(
    generator: Generator, count: int, settings: ProjectionSettings
) -> list[ProjectionTarget]:
    """Images of the seeds 0 to `count` - 1, without truncation, of all classes in turn.

    They have random noise where noise is optimized, else the network's own; and whole gray levels,
    as files have them.
    """
    noise: NoiseMode = "random" if settings.noise else "fixed"
    classes = generator.config.label_size
    targets, chosen = [], label_input(settings.label)
    for seed in range(count):
        label = seed % classes if settings.label is None and classes else chosen
        image = generator.sample([seed], label=label, noise=noise, precision="fp32")[0].cpu()
        whole = pixels.from_uint8(pixels.to_uint8(image))
        targets.append(ProjectionTarget(f"seed{seed:04d}", f"seed {seed}", whole))
    return targets


def real_targets(
    data: Path,
    generator: Generator,
    count: int,
    settings: ProjectionSettings,
    *,
    option: str = "--generated",
) -> list[ProjectionTarget]:
    """Images of a data set chosen at random, in the size of the network.

    Args:
        data: The folder, zip or container.
        generator: Decides size and channels.
        count: Number of images.
        settings: Their seed chooses.
        option: The name of `count` in errors.

    Raises:
        DataError: If the data cannot be read.
        UsageError: If there are fewer than `count`.
    """
    size, channels = generator.image_size, generator.config.image_channels
    with closing(open_dataset(data, size=size, channels=channels)) as dataset:
        if len(dataset) < count:
            raise UsageError(f"{data}: has {len(dataset)} images, fewer than {option} {count}")
        order = RandomKeys(settings.seed).permutation(len(dataset), "real images")
        targets = []
        for index in map(int, sorted(order[:count])):
            image = pixels.from_uint8(torch.from_numpy(dataset.pixels(index)))
            source = f"{data}: {dataset.names[index]}"
            targets.append(ProjectionTarget(f"image{index:05d}", source, image))
    return targets
