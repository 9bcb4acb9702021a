"""The data that a model learned from (StyleGAN, Figure 7)."""

import torch

from stylesmith import images as pixels
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.devices import FP32
from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.sheets import arrange_in_rows
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.latents import RandomKeys
from stylesmith.metrics.sides import SourceOptions, open_training_data, training_data_config

DEFAULT_DATASET_IMAGES = 40


def dataset_samples(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 7: images of the data set, chosen at random."""
    dataset = open_real_images(subject, on_progress)
    count = min(subject.options.count or DEFAULT_DATASET_IMAGES, len(dataset))
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
    return FigureLayout(caption, [[ImagePanel(arrange_in_rows(torch.stack(images)))]])


def open_real_images(subject: FigureInput, on_progress: ProgressCallback) -> Dataset:
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
    trained = training_data_config(subject.path)
    if trained is None:
        raise subject.missing_error("its training data", "name images by --data")
    return open_training_data(trained, SourceOptions(subject.device, FP32, on_progress=on_progress))
