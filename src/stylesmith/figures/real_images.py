"""The data that a model learned from (StyleGAN, Figure 7)."""

import torch

from stylesmith import images as pixels
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.devices import FP32
from stylesmith.figures.drawing import Drawing, Pictures
from stylesmith.figures.sheets import in_rows
from stylesmith.figures.subject import Progress, Subject
from stylesmith.latents import RandomKeys
from stylesmith.metrics.sides import Opening, open_training_data, training_data

COUNT = 40


def data_set(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 7: images of the data set, chosen at random."""
    dataset = real_images(subject, on_progress)
    count = min(subject.options.count or COUNT, len(dataset))
    chosen = RandomKeys(0).permutation(len(dataset), "figure")[:count].tolist()
    images = []
    for done, index in enumerate(chosen, 1):
        images.append(pixels.from_uint8(torch.tensor(dataset.pixels(index))))
        on_progress(done, count)
    height, width = dataset.size
    credit = f" {dataset.credit}" if dataset.credit else ""
    caption = (
        f"StyleGAN, Figure 7. The data set {dataset.path.name}: {count} of its {len(dataset):,} "
        f"images, chosen at random, at {width}x{height}.{credit}"
    )
    return Drawing(caption, [[Pictures(in_rows(torch.stack(images)))]])


def real_images(subject: Subject, on_progress: Progress) -> Dataset:
    """The data that the user named, in the model's format, or else what a run was trained on.

    Raises:
        ModelError: If the model is no run, or its data is gone, and the user named none.
        DataError: If the data cannot be read.
    """
    if subject.options.data:
        config = subject.generator.config
        return open_dataset(
            subject.options.data,
            size=config.size(),
            channels=config.image_channels,
            on_progress=on_progress,
        )
    trained = training_data(subject.path)
    if trained is None:
        raise subject.missing_error("its training data", "name images by --data")
    return open_training_data(trained, Opening(subject.device, FP32, on_progress=on_progress))
