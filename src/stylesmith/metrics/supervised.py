"""Training of attribute classifiers: a small supervised loop, one network after the other."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import distributed, files
from stylesmith.config import DiscriminatorConfig
from stylesmith.data.dataset import Dataset
from stylesmith.data.parallel import Progress, map_ahead
from stylesmith.data.sampler import Sampler
from stylesmith.devices import FP32, Precision
from stylesmith.errors import DataError, ModelError, OutputError
from stylesmith.latents import RandomKeys
from stylesmith.metrics.attributes import Attributes
from stylesmith.metrics.classifiers import (
    SUFFIX,
    Facts,
    classifier_config,
    classifier_path,
    load_classifier,
    prepare,
    save_classifier,
)
from stylesmith.metrics.fingerprint import data_hash
from stylesmith.metrics.protocol import Scale
from stylesmith.networks import build_discriminator
from stylesmith.networks.discriminators import OrigDiscriminator

BATCH = 8
RATE = 1e-3
BETAS = (0.0, 0.99)
LENGTHS: dict[Scale, int] = {"paper": 150_000, "small": 10_000}
"""Images that each classifier is shown."""
WIDTHS: dict[Scale, int] = {"paper": 512, "small": 64}
"""Most feature maps."""
HELD_OUT = 10
"""One image in so many is kept for the test."""
MOST_TESTED = 2000
TRIAL_STEPS = 3
"""Steps that are timed for the estimate, after one to warm up."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Lesson:
    """What all classifiers of a folder have in common."""

    dataset: Dataset
    attributes: Attributes
    config: DiscriminatorConfig
    images: int
    """How many each is shown."""
    seed: int
    device: torch.device
    precision: Precision = FP32


def plan_lesson(
    dataset: Dataset,
    attributes: Attributes,
    *,
    protocol: Scale = "paper",
    seed: int = 0,
    device: torch.device,
    precision: Precision = FP32,
) -> Lesson:
    """A lesson by protocol: `paper` or `small`.

    Raises:
        DataError: If there are too few images to hold any out.
    """
    if len(dataset) < 2 * HELD_OUT:
        raise DataError(
            f"{dataset.path}: holds {len(dataset)} images; classifiers need {2 * HELD_OUT} or more."
        )
    config = classifier_config(dataset.size, dataset.channels, max_channels=WIDTHS[protocol])
    return Lesson(dataset, attributes, config, LENGTHS[protocol], seed, device, precision)


def train_classifiers(
    training: Lesson, out: Path, *, force: bool, notify: Say, on_progress: Progress | None = None
) -> list[Facts]:
    """Train one classifier per attribute into a folder; those that are there are not made again.

    Attributes are dealt out to the processes.

    Raises:
        OutputError: If the folder holds classifiers of another lesson, and `force` is off.
    """
    data = data_hash(training.dataset)
    places = range(len(training.attributes.names))
    done: dict[int, Facts] = {}
    if force:
        _clear(out)
    else:
        done = {p: f for p in places if (f := _finished(training, out, p, data))}
    distributed.barrier()
    missing = [place for place in places if place not in done]
    if done:
        notify(f"{len(done)} of {len(places)} classifiers are there already.")
    mine = missing[distributed.rank() :: distributed.world_size()]
    if mine:
        seconds = time_step(training) * (training.images // BATCH) * len(mine)
        notify(f"About {seconds / 60:,.0f} minutes for {len(missing)} classifiers.")
    for number, place in enumerate(mine):
        network = train_one(training, place, _part(on_progress, number, len(mine)))
        accuracy = balanced_accuracy(network, training, place)
        facts = _facts(training, place, data, accuracy)
        save_classifier(out, network, facts)
        done[place] = facts
    distributed.barrier()
    return [load_classifier(classifier_path(out, place))[1] for place in places]


def train_one(
    training: Lesson, index: int, on_progress: Progress | None = None, *, steps: int | None = None
) -> OrigDiscriminator:
    """One classifier, trained by the logistic loss."""
    network = cast(
        OrigDiscriminator, build_discriminator(training.config, seed=training.seed + index)
    )
    network = network.to(training.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, betas=BETAS, eps=1e-8)
    steps = steps or training.images // BATCH
    for step, (pixels, labels) in enumerate(_batches(training, index, steps), start=1):
        logits = network(prepare(pixels, training.config), precision=training.precision)
        loss = F.binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if on_progress:
            on_progress(step * BATCH, steps * BATCH)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def balanced_accuracy(network: OrigDiscriminator, training: Lesson, index: int) -> float:
    """Share of right answers on images held out, mean of the two classes; 0.5 is chance."""
    held_out = np.flatnonzero(np.arange(len(training.dataset)) % HELD_OUT == 0)[:MOST_TESTED]
    labels = training.attributes.values[held_out, index]
    answers = []
    for start in range(0, len(held_out), 64):
        pixels, _ = _load(training, index, held_out[start : start + 64])
        logits = network(prepare(pixels, training.config), precision=training.precision)
        answers.append((logits > 0).cpu().numpy())
    right = np.concatenate(answers) == labels
    shares = [float(right[labels == kind].mean()) for kind in (False, True) if kind in labels]
    return sum(shares) / len(shares)


def time_step(training: Lesson) -> float:
    """Seconds of one step, by trial."""
    train_one(training, 0, steps=1)
    start = time.perf_counter()
    train_one(training, 0, steps=TRIAL_STEPS)
    return (time.perf_counter() - start) / TRIAL_STEPS


def _batches(training: Lesson, index: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels of every step, all images but those held out once per epoch."""
    kept = np.flatnonzero(np.arange(len(training.dataset)) % HELD_OUT != 0)
    sampler = Sampler(len(kept), RandomKeys(training.seed))
    parts = (kept[[sampler.index(step * BATCH + i) for i in range(BATCH)]] for step in range(steps))
    with ThreadPoolExecutor(2, thread_name_prefix="decode") as pool:
        yield from map_ahead(pool, lambda part: _load(training, index, part), parts, ahead=4)


def _load(training: Lesson, index: int, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
    pixels = np.stack([training.dataset.pixels(int(i)) for i in numbers])
    labels = torch.from_numpy(training.attributes.values[numbers, index])
    return torch.from_numpy(pixels).to(training.device), labels.float().to(training.device)


def _facts(training: Lesson, index: int, data: str, accuracy: float) -> Facts:
    names, values = training.attributes.names, training.attributes.values
    share = float(values[:, index].mean())
    return Facts(names[index], index, data, training.images, training.seed, accuracy, share)


def _finished(training: Lesson, out: Path, index: int, data: str) -> Facts | None:
    """What is there of this classifier; None if nothing is, or it is damaged.

    Raises:
        OutputError: If it is one of another lesson.
    """
    try:
        network, facts = load_classifier(classifier_path(out, index))
    except ModelError:
        return None
    wanted = _facts(training, index, data, facts.accuracy)
    if (facts, network.config) != (wanted, training.config):
        raise OutputError(
            f"{out}: holds classifiers of other data, attributes or settings. Choose another "
            "folder or add --force to replace them."
        )
    return facts


def _clear(out: Path) -> None:
    """Remove the classifiers of a folder, and nothing else."""
    if distributed.is_main() and out.is_dir():
        for path in files.numbered(out, SUFFIX):
            path.unlink()


def _part(on_progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Progress of one of several equal parts, as that of the whole."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(number * total + done, parts * total)
