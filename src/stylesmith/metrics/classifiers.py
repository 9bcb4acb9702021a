"""Attribute classifiers for linear separability: architecture, files and training.

The discriminator's architecture without minibatch standard deviation, Adam at 1e-3, batches of 8,
150,000 images for each attribute. Their logits also serve as features.

Source: StyleGAN, section 4.2 and appendix C.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from stylesmith import distributed, files, images
from stylesmith.callbacks import Notify, ProgressCallback, partial_progress
from stylesmith.choices import ProtocolName, check_choices
from stylesmith.config import ConvolutionalConfig, base_grid
from stylesmith.data.dataset import Dataset
from stylesmith.data.loader import Sampler
from stylesmith.data.parallel import map_ahead
from stylesmith.devices import FP32, Precision
from stylesmith.errors import DataError, ModelError, OutputError, ShapeError
from stylesmith.formatting import format_command, format_duration
from stylesmith.latents import RandomKeys
from stylesmith.metrics.attributes import Attributes
from stylesmith.models.serialization import copy_tensors
from stylesmith.networks import build_discriminator
from stylesmith.networks.discriminators import OrigDiscriminator
from stylesmith.tensor_file import TensorFileKind, read_tensor_file, tensors_hash, write_tensor_file

CLASSIFIER_KIND: TensorFileKind = "classifier"
CLASSIFIER_SUFFIX = ".safetensors"
MAX_CLASSIFIER_SIZE = 256
"""Height or width that larger images are reduced to, as in CelebA-HQ at 256x256."""


@dataclass(frozen=True)
class ClassifierFacts:
    """Training data and accuracy of a classifier."""

    attribute: str
    place: int
    """Index of the attribute."""
    data: str
    """Hash of the images."""
    images: int
    """Number of training images."""
    seed: int
    accuracy: float
    """On images held out, the mean of those with the attribute and those without."""
    share: float
    """Of images that have the attribute."""


def classifier_config(
    size: tuple[int, int], channels: int, *, max_channels: int = 512
) -> ConvolutionalConfig:
    """The architecture of ProGAN's and StyleGAN's discriminator for images of that size.

    Args:
        size: Height and width of the images, which are reduced to at most 256.
        channels: 1, 3 or 4.
        max_channels: Most feature maps; the paper's are 512.

    Raises:
        ConfigError: If no network has that size.
    """
    factor = max(1, max(size) // MAX_CLASSIFIER_SIZE)
    base, levels = base_grid(size[0] // factor, size[1] // factor)
    return ConvolutionalConfig(
        base=base,
        levels=levels,
        image_channels=channels,
        channel_base=16384,
        max_channels=max_channels,
        connection="orig",
        resample="box",
        stddev_features=0,
    )


def classifier_input(pixels: Tensor, config: ConvolutionalConfig) -> Tensor:
    """uint8 `(N, C, H, W)` to what a network of that config takes: -1..1, averaged over squares.

    Raises:
        ShapeError: If the images have another shape than those that it was trained on.
    """
    height, width = config.size()
    factor = max(1, pixels.shape[2] // height)
    wanted = (config.image_channels, height * factor, width * factor)
    if tuple(pixels.shape[1:]) != wanted:
        raise ShapeError(
            f"images are {tuple(pixels.shape[1:])} (channels, height, width); these classifiers "
            f"were trained on {(config.image_channels, height, width)}"
        )
    x = images.from_uint8(pixels)
    return F.avg_pool2d(x, factor) if factor > 1 else x


def save_classifier(folder: Path, network: OrigDiscriminator, facts: ClassifierFacts) -> None:
    """Write one classifier into a folder of them.

    Raises:
        OutputError: If it cannot be written.
    """
    header = {"network": network.config.model_dump(mode="json"), "facts": asdict(facts)}
    write_tensor_file(
        classifier_path(folder, facts.place), network.state_dict(), header, kind=CLASSIFIER_KIND
    )


def classifier_path(folder: Path, index: int) -> Path:
    """The file of the attribute with this number."""
    return folder / f"{index:03d}{CLASSIFIER_SUFFIX}"


def load_classifier(path: Path) -> tuple[OrigDiscriminator, ClassifierFacts]:
    """Read one classifier.

    Raises:
        ModelError: If the file is missing, damaged or of another kind.
    """
    tensors, header = read_tensor_file(path, kind=CLASSIFIER_KIND)
    try:
        config = ConvolutionalConfig.model_validate(header["network"])
        facts = ClassifierFacts(**header["facts"])
    except (ValidationError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: damaged (its header cannot be read).") from error
    network = cast(OrigDiscriminator, build_discriminator(config))
    copy_tensors(network.state_dict(), tensors, source=str(path))
    return network.eval().requires_grad_(False), facts


class Classifiers:
    """All classifiers of a folder; as an extractor, their logits are the features."""

    name = "classifiers"

    def __init__(self, networks: Sequence[OrigDiscriminator], facts: Sequence[ClassifierFacts]):
        self.networks = list(networks)
        self.facts = list(facts)
        self.config: ConvolutionalConfig = networks[0].config
        self.dimension = len(self.networks)
        self.min_size = min(self.config.size())
        tensors = {
            f"{f.place}.{name}": tensor
            for network, f in zip(networks, facts, strict=True)
            for name, tensor in network.state_dict().items()
        }
        self.weights_hash = tensors_hash(tensors.items())

    @property
    def attributes(self) -> list[str]:
        """The names, in order."""
        return [facts.attribute for facts in self.facts]

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, C, H, W)` -> one logit per attribute, `(N, A)`; positive means yes.

        Raises:
            ShapeError: If the images have another shape than those that they were trained on.
        """
        device = next(self.networks[0].parameters()).device
        x = classifier_input(images.to(device), self.config)
        return torch.stack([network(x) for network in self.networks], dim=1)


def open_classifiers(folder: Path, device: torch.device) -> Classifiers:
    """Read a folder that `stylesmith classifiers train` wrote.

    Raises:
        ModelError: If there are none, one is damaged, or they do not belong together.
    """
    paths = sorted(files.numbered_files(folder, CLASSIFIER_SUFFIX)) if folder.is_dir() else []
    if not paths:
        command = format_command("classifiers", "train", "DATA", "--out", folder)
        raise ModelError(f"{folder}: holds no classifiers. `{command}` trains them.")
    networks, facts = zip(*map(load_classifier, paths), strict=True)
    for path, network, fact in zip(paths, networks, facts, strict=True):
        if (network.config, fact.data) != (networks[0].config, facts[0].data):
            raise ModelError(
                f"{path}: was trained on other images than {paths[0].name}, or has another size. "
                "Train all of a folder together."
            )
    return Classifiers([network.to(device) for network in networks], facts)


CLASSIFIER_BATCH_SIZE = 8
LEARNING_RATE = 1e-3
ADAM_BETAS = (0.0, 0.99)
TRAINING_IMAGES: dict[ProtocolName, int] = {"paper": 150_000, "small": 10_000}
"""Number of training images for each classifier."""
MAX_CHANNELS: dict[ProtocolName, int] = {"paper": 512, "small": 64}
"""Most feature maps."""
HELD_OUT_INTERVAL = 10
"""One image in so many is held out for the test."""
MAX_TEST_IMAGES = 2000
TIMED_STEPS = 3
"""Steps that are timed for the estimate, after one to warm up."""


@dataclass(frozen=True)
class ClassifierTraining:
    """Data and settings that all classifiers of a folder share."""

    dataset: Dataset
    attributes: Attributes
    config: ConvolutionalConfig
    images: int
    """Number of training images for each classifier."""
    seed: int
    device: torch.device
    precision: Precision = FP32

    def load_batch(self, index: int, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        """The images with these numbers, and their labels for the attribute at `index`."""
        pixels = np.stack([self.dataset.pixels(int(i)) for i in numbers])
        labels = torch.from_numpy(self.attributes.values[numbers, index])
        return torch.from_numpy(pixels).to(self.device), labels.float().to(self.device)

    def logits(self, network: OrigDiscriminator, pixels: Tensor) -> Tensor:
        """What a classifier answers to uint8 images, `(N,)`."""
        return network(classifier_input(pixels, self.config), precision=self.precision)

    def facts(self, index: int, accuracy: float) -> ClassifierFacts:
        """The record of the classifier at `index`."""
        return ClassifierFacts(
            attribute=self.attributes.names[index],
            place=index,
            data=self.dataset.content_hash,
            images=self.images,
            seed=self.seed,
            accuracy=accuracy,
            share=float(self.attributes.values[:, index].mean()),
        )


@check_choices
def plan_classifier_training(
    dataset: Dataset,
    attributes: Attributes,
    *,
    protocol: ProtocolName = "paper",
    seed: int = 0,
    device: torch.device,
    precision: Precision = FP32,
) -> ClassifierTraining:
    """Plan of the training by protocol: `paper` or `small`.

    Raises:
        DataError: If there are too few images to hold any out.
    """
    if len(dataset) < 2 * HELD_OUT_INTERVAL:
        raise DataError(
            f"{dataset.path}: holds {len(dataset)} images; classifiers need "
            f"{2 * HELD_OUT_INTERVAL} or more."
        )
    config = classifier_config(dataset.size, dataset.channels, max_channels=MAX_CHANNELS[protocol])
    return ClassifierTraining(
        dataset, attributes, config, TRAINING_IMAGES[protocol], seed, device, precision
    )


def train_classifiers(
    training: ClassifierTraining,
    out: Path,
    *,
    force: bool,
    notify: Notify,
    on_progress: ProgressCallback | None = None,
) -> list[ClassifierFacts]:
    """Train one classifier per attribute into a folder; those that are there are not made again.

    Attributes are dealt out to the processes.

    Raises:
        OutputError: If the folder holds classifiers of another training, and `force` is off.
    """
    places = range(len(training.attributes.names))
    if force and distributed.is_main():
        for path in files.numbered_files(out, CLASSIFIER_SUFFIX):
            path.unlink()
    missing = [place for place in places if force or not _is_trained(training, out, place)]
    distributed.barrier()
    if len(missing) < len(places):
        notify(f"{len(places) - len(missing)} of {len(places)} classifiers are there already.")
    mine = missing[distributed.rank() :: distributed.world_size()]
    if mine:
        steps = training.images // CLASSIFIER_BATCH_SIZE * len(mine)
        duration = format_duration(measure_step_time(training) * steps, estimate=True)
        notify(f"About {duration} for {len(missing)} classifiers.")
    for number, place in enumerate(mine):
        progress = on_progress and partial_progress(on_progress, number, len(mine))
        network = train_classifier(training, place, progress)
        facts = training.facts(place, balanced_accuracy(network, training, place))
        save_classifier(out, network, facts)
    distributed.barrier()
    return [load_classifier(classifier_path(out, place))[1] for place in places]


def train_classifier(
    training: ClassifierTraining,
    index: int,
    on_progress: ProgressCallback | None = None,
    *,
    steps: int | None = None,
) -> OrigDiscriminator:
    """One classifier, trained by the logistic loss."""
    network = cast(
        OrigDiscriminator, build_discriminator(training.config, seed=training.seed + index)
    )
    network = network.to(training.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=ADAM_BETAS, eps=1e-8)
    steps = steps or training.images // CLASSIFIER_BATCH_SIZE
    for step, (pixels, labels) in enumerate(_training_batches(training, index, steps), start=1):
        loss = F.binary_cross_entropy_with_logits(training.logits(network, pixels), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if on_progress:
            on_progress(step * CLASSIFIER_BATCH_SIZE, steps * CLASSIFIER_BATCH_SIZE)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def balanced_accuracy(
    network: OrigDiscriminator, training: ClassifierTraining, index: int
) -> float:
    """Share of right answers on images held out, mean of the two classes; 0.5 is chance."""
    held_out = np.arange(0, len(training.dataset), HELD_OUT_INTERVAL)[:MAX_TEST_IMAGES]
    labels = training.attributes.values[held_out, index]
    answers = []
    for start in range(0, len(held_out), 64):
        pixels, _ = training.load_batch(index, held_out[start : start + 64])
        answers.append((training.logits(network, pixels) > 0).cpu().numpy())
    right = np.concatenate(answers) == labels
    shares = [float(right[labels == kind].mean()) for kind in (False, True) if kind in labels]
    return sum(shares) / len(shares)


def measure_step_time(training: ClassifierTraining) -> float:
    """Seconds of one step, by trial."""
    train_classifier(training, 0, steps=1)
    start = time.perf_counter()
    train_classifier(training, 0, steps=TIMED_STEPS)
    return (time.perf_counter() - start) / TIMED_STEPS


def _training_batches(
    training: ClassifierTraining, index: int, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels of every step, all images but those held out once per epoch."""
    kept = np.flatnonzero(np.arange(len(training.dataset)) % HELD_OUT_INTERVAL)
    sampler = Sampler(len(kept), RandomKeys(training.seed))
    positions = range(steps * CLASSIFIER_BATCH_SIZE)
    parts = (
        kept[[sampler.index(i) for i in positions[start : start + CLASSIFIER_BATCH_SIZE]]]
        for start in positions[::CLASSIFIER_BATCH_SIZE]
    )
    with ThreadPoolExecutor(2, thread_name_prefix="decode") as pool:
        yield from map_ahead(pool, lambda part: training.load_batch(index, part), parts, ahead=4)


def _is_trained(training: ClassifierTraining, out: Path, index: int) -> bool:
    """Whether this classifier is there; not if its file is damaged.

    Raises:
        OutputError: If it is one of another training.
    """
    try:
        network, facts = load_classifier(classifier_path(out, index))
    except ModelError:
        return False
    if (facts, network.config) != (training.facts(index, facts.accuracy), training.config):
        raise OutputError(
            f"{out}: holds classifiers of other data, attributes or settings. Choose another "
            "folder or add --force to replace them."
        )
    return True
