"""Held-out images: kept from training, so that the discriminator can be judged on others."""

from stylesmith.data.dataset import Dataset
from stylesmith.errors import DataError
from stylesmith.formatting import format_count
from stylesmith.latents import RandomKeys

MIN_TRAINING_IMAGES = 4
"""Fewer images to learn from are a mistake."""


def check_held_out(images: int, count: int, source: object) -> None:
    """Refuse to hold out so many images that nearly none are left.

    Args:
        images: Number of images of the data.
        count: Number to hold out.
        source: Name of the data, for the message.

    Raises:
        DataError: If fewer than 4 images are left to learn from.
    """
    if images < MIN_TRAINING_IMAGES:
        found = format_count(images, "image")
        raise DataError(f"{source}: has {found}; training wants at least 4.")
    if images - count < MIN_TRAINING_IMAGES:
        raise DataError(
            f"{source}: has {images} images, of which {count} are to be held out; hold out at most "
            f"{images - MIN_TRAINING_IMAGES}."
        )


def held_out_indices(images: int, count: int, *, seed: int) -> list[int]:
    """Indices of the images that a run holds out, in their order.

    Args:
        images: Number of images of the data.
        count: Number that are held out.
        seed: Seed of the run.
    """
    return sorted(RandomKeys(seed).permutation(images, "held out")[:count].tolist())


def split_held_out(dataset: Dataset, count: int, *, seed: int) -> tuple[Dataset, Dataset | None]:
    """The images to learn from, and those held out; both in the order of the data.

    The choice depends on the number of images, `count` and `seed` alone, so that a run that is
    resumed, and a measurement of it, hold out the same ones.

    Args:
        dataset: All images.
        count: Number to hold out; 0 holds none out.
        seed: Seed of the run.

    Raises:
        DataError: As `check_held_out`.
    """
    if not count:
        return dataset, None
    check_held_out(len(dataset), count, dataset.path)
    held_out = held_out_indices(len(dataset), count, seed=seed)
    learned = sorted(set(range(len(dataset))) - set(held_out))
    return dataset.subset(learned), dataset.subset(held_out)
