"""The two kinds of images that attribution learns from: the network's own, and real ones."""

from pathlib import Path

import torch

from stylesmith import images as pixels
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import UsageError
from stylesmith.inversion.settings import ProjectionSettings
from stylesmith.inversion.targets import ProjectionTarget
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.networks.generator import NoiseMode


def generated_targets(
    generator: Generator, count: int, settings: ProjectionSettings
) -> list[ProjectionTarget]:
    """Images of the seeds 0 to `count` - 1, without truncation, of all classes in turn.

    They have random noise where noise is looked for, else the network's own; and whole gray levels,
    as files have them.
    """
    noise: NoiseMode = "random" if settings.noise else "fixed"
    classes = generator.config.label_size
    targets = []
    for seed in range(count):
        label = settings.label
        if label is None and classes:
            label = seed % classes
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
    """Images of a folder or zip chosen at random, in the size of the network.

    Args:
        data: The folder or zip.
        generator: Decides size and channels.
        count: How many.
        settings: Their seed chooses.
        option: What users call `count`.

    Raises:
        DataError: If the data cannot be read.
        UsageError: If there are fewer than `count`.
    """
    channels = generator.config.image_channels
    dataset = open_dataset(data, size=generator.image_size, channels=channels)
    try:
        if len(dataset) < count:
            raise UsageError(f"{data}: has {len(dataset)} images, fewer than {option} {count}")
        order = RandomKeys(settings.seed).permutation(len(dataset), "real images")
        targets = []
        for index in map(int, sorted(order[:count])):
            image = pixels.from_uint8(torch.from_numpy(dataset.pixels(index)))
            targets.append(
                ProjectionTarget(f"image{index:05d}", f"{data}: {dataset.names[index]}", image)
            )
        return targets
    finally:
        dataset.close()
