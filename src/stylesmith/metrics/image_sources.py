"""Inputs of the metrics: images of a data set or drawn from a generator, by index.

The image with a given index does not depend on the process or the batch it is computed in. Images
are uint8, as in files.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.config import DataConfig
from stylesmith.data.dataset import (
    FINGERPRINT_VERSION,
    Dataset,
    fingerprint_version,
    open_dataset,
    open_training_data,
)
from stylesmith.data.held_out import held_out_indices
from stylesmith.data.image_set import AUTOMATIC, ReadOptions
from stylesmith.data.label_values import Labels
from stylesmith.data.parallel import map_ahead
from stylesmith.data.recognition import is_data_file
from stylesmith.devices import FP32, Precision
from stylesmith.errors import DataError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.latents import RandomKeys, split_noise_maps
from stylesmith.models import RunFolder, load, locate_model
from stylesmith.models.run_folder import WEIGHTS_FILE
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.networks.latent_functions import mix_styles
from stylesmith.networks.synthesis import NoiseMaps

DECODE_THREADS = 4
"""Threads that decode images ahead of need."""


class ImageSource(Protocol):
    """Images that a metric takes, by index."""

    name: str
    """Path, for messages."""
    size: tuple[int, int]
    """Height and width."""
    channels: int
    """1, 3 or 4."""
    count: int | None
    """Number of images; None where there is no end."""

    @property
    def hash(self) -> str:
        """Hash of the content: weights, or pixels and labels."""

    def batches(self, ranges: Sequence[range]) -> Iterator[Tensor]:
        """The images with these indices, uint8 `(N, C, H, W)` for each range."""


class DataSource:
    """Images of a data set, in its order."""

    def __init__(self, dataset: Dataset, *, held_out: Sequence[int] = ()):
        self.dataset = dataset
        self.held_out = held_out
        """Indices of the images that a run, which is measured, was not trained on."""
        self.name, self.size, self.channels = str(dataset.path), dataset.size, dataset.channels
        self.count: int | None = len(dataset)

    @property
    def hash(self) -> str:
        """Hash of everything that decides pixels and labels, wherever the data lies."""
        return self.dataset.content_hash

    def batches(self, ranges: Sequence[range]) -> Iterator[Tensor]:
        """The images with these indices, uint8 `(N, C, H, W)` for each range.

        Raises:
            DataError: If one is damaged, naming the file.
        """
        with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
            indices = chain.from_iterable(ranges)
            decoded = map_ahead(pool, self.dataset.pixels, indices, ahead=4 * DECODE_THREADS)
            for part in ranges:
                yield torch.from_numpy(np.stack([next(decoded) for _ in part]))


@dataclass(eq=False)
class ModelSource:
    """Images drawn from a generator with random noise; image number i is a function of (seed, i).

    Labels are those of images chosen at random from `labels`, so that classes come as often as in
    the data. Classes with names are the same in both by name, else by number.
    """

    generator: Generator
    name: str
    """Path, for messages."""
    seed: int = 0
    psi: float = 1.0
    precision: Precision = FP32
    labels: Dataset | None = None
    training_data: DataConfig | None = None
    """The training data, where it is known and still exists."""
    role: str = "fake"
    """Another role gives other images of the same seed, to compare a model with itself."""
    mixed_latents: int = 1
    """How many each image mixes, with crossovers at random (StyleGAN, Table 2)."""
    size: tuple[int, int] = field(init=False)
    channels: int = field(init=False)
    count: int | None = field(default=None, init=False)
    _labels: Labels | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.size, self.channels = self.generator.image_size, self.generator.config.image_channels
        wanted = self.generator.config.label_size
        if wanted and self.labels is None:
            raise UsageError(
                f"{self.name}: draws by class. Name labeled images with --data, so that classes "
                "come as often as there."
            )
        self._labels = self._match_labels(self.labels) if wanted and self.labels else None

    def _match_labels(self, data: Dataset) -> Labels:
        try:
            labels = data.labels and data.labels.numbered_as(self.generator.class_names)
        except DataError as error:
            raise DataError(f"{data.path}: {error}") from None
        wanted = self.generator.config.label_size
        if labels is None or labels.size != wanted:
            raise DataError(
                f"{data.path}: has labels of length {data.label_size}, the model {self.name} "
                f"wants {wanted}. Use the data that it was trained on."
            )
        return labels

    @property
    def device(self) -> torch.device:
        """Device of the generator."""
        return self.generator.mapping.w_avg.device

    @cached_property
    def hash(self) -> str:
        """Hash of the weights."""
        return model_hash(self.generator)

    def with_seed(self, seed: int) -> "ModelSource":
        """The same model with other draws."""
        return replace(self, seed=seed)

    def with_mixing(self, count: int) -> "ModelSource":
        """The same model, whose images mix so many latents."""
        return replace(self, mixed_latents=count)

    def batches(self, ranges: Sequence[range]) -> Iterator[Tensor]:
        """The images with these indices, uint8 `(N, C, H, W)` for each range, on the device."""
        for part in ranges:
            images = self.draw(self.ws(part), self.noise(part), precision=self.precision)
            yield pixels.to_uint8(images)

    def ws(self, indices: Sequence[int]) -> Tensor:
        """The w of each layer, `(N, num_ws, D)`, from as many latents as images mix."""
        label = self.label(indices)
        ws = self.generator.broadcast(self.w(self.z(indices), label))
        for latent in range(1, self.mixed_latents):
            other = self.w(self.z(indices, f"mixed z {latent}"), label)
            taken = self._latent_of_layer(indices) == latent
            ws = mix_styles(ws, other[:, None], taken.to(self.device))
        return ws

    def _latent_of_layer(self, indices: Sequence[int]) -> Tensor:
        """Which latent decides each layer, `(N, num_ws)`: one more after each crossover.

        A crossover lies before any layer in use but the first; two may fall together.
        """
        config = self.generator.config
        used = config.num_ws_up_to(self.generator.top_level)
        crossovers = [
            [
                1 + self._keys.number(f"{self.role} crossover {latent}", i) % max(used - 1, 1)
                for latent in range(1, self.mixed_latents)
            ]
            for i in indices
        ]
        layers = torch.arange(config.num_ws)
        return (torch.tensor(crossovers)[:, :, None] <= layers).sum(dim=1)

    def z(self, indices: Sequence[int], purpose: str = "z") -> Tensor:
        """Latents, `(N, z_dim)`; drawn on the CPU, so that they are the same on every device."""
        size = self.generator.config.mapping.z_dim
        rows = [self._keys.normal(size, f"{self.role} {purpose}", i) for i in indices]
        return torch.stack(rows).to(self.device)

    def label(self, indices: Sequence[int]) -> Tensor | None:
        """Labels, `(N, label_size)`, of images chosen uniformly from the data."""
        if self._labels is None:
            return None
        count = len(self._labels.values)
        chosen = [self._keys.number(f"{self.role} label", i) % count for i in indices]
        rows = np.stack([self._labels.vector(i) for i in chosen])
        return torch.from_numpy(rows).to(self.device)

    def noise(self, indices: Sequence[int]) -> NoiseMaps:
        """Noise maps of each image's own."""
        shapes = self.generator.config.noise_shapes
        size = sum(height * width for height, width in shapes)
        purpose = f"{self.role} noise"
        rows = [self._keys.normal(size, purpose, i, device=self.device) for i in indices]
        return split_noise_maps(torch.stack(rows), shapes) if shapes else []

    @torch.no_grad()
    def w(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Intermediate latents, `(N, D)`, truncated where that was asked for."""
        return self.generator.map(z, label, psi=self.psi)[:, 0]

    @torch.no_grad()
    def draw(self, w: Tensor, noise: NoiseMaps, *, precision: Precision = FP32) -> Tensor:
        """Images `(N, C, H, W)` of intermediate latents `(N, D)` or `(N, num_ws, D)`."""
        ws = self.generator.broadcast(w) if w.ndim == 2 else w
        return self.generator.draw(ws, noise, precision=precision)

    @cached_property
    def _keys(self) -> RandomKeys:
        return RandomKeys(self.seed)


def check_comparable(fake: ImageSource, real: ImageSource) -> None:
    """Refuse sources whose images differ in size, or in channels from those of a model.

    Raises:
        DataError: If they do.
    """
    if fake.size != real.size:
        small = format_image_size(fake.size)
        option = fake.size[0] if fake.size[0] == fake.size[1] else small
        raise DataError(
            f"{real.name}: images of {format_image_size(real.size)}, where {fake.name} has "
            f"{small}. Bring both to one size: --resolution {option} resizes the data."
        )
    are_data = isinstance(fake, DataSource) and isinstance(real, DataSource)
    if fake.channels != real.channels and not are_data:
        raise DataError(
            f"{real.name}: its images have {real.channels} channels, those of {fake.name} have "
            f"{fake.channels}. Use the data that the model was trained on."
        )


@dataclass(frozen=True)
class SourceOptions:
    """How sources are opened."""

    device: torch.device
    precision: Precision
    seed: int = 0
    psi: float = 1.0
    size: tuple[int, int] | None = None
    """Height and width that data is cropped and resized to; None leaves it as it is."""
    skip_bad: bool = False
    reading: ReadOptions = AUTOMATIC
    """Part and labels of the images; those of a run are read as the run reads them."""
    on_progress: ProgressCallback | None = None


def open_sources(
    fake: Path, real: Path | None, options: SourceOptions
) -> tuple[ImageSource, ImageSource | None]:
    """The source that is measured, and the one it is compared with.

    Args:
        fake: A model, or images.
        real: Images, or a model; None takes those that a run was trained on, if they are there.
        options: Seeds, truncation, size.

    Raises:
        ModelError: If a model cannot be opened.
        DataError: If images cannot be used, or do not fit the model.
        UsageError: If the model draws by class and there are no labels to draw from.
    """
    fake, real = locate_model(fake), real and locate_model(real)
    trained = training_data_config(fake)
    real_model = real if real is not None and is_model(real) else None
    dataset = None
    is_own = real is not None and real.resolve() == Path(trained.path if trained else "")
    if trained and (real is None or real_model or (is_own and options.reading == AUTOMATIC)):
        dataset = open_training_data(
            trained, size=options.size, skip_bad=options.skip_bad, on_progress=options.on_progress
        )
    elif real is not None and not real_model:
        dataset = open_data(real, options, rules_of=_data_config(fake))
    reference: ImageSource | None = DataSource(dataset) if dataset else None
    if dataset and trained and trained.hold_out and dataset.fingerprint == trained.fingerprint:
        seed = RunFolder(fake).read_config().training.seed
        held_out = held_out_indices(len(dataset), trained.hold_out, seed=seed)
        reference = DataSource(dataset, held_out=held_out)
    if real_model:
        reference = replace(open_model_source(real_model, options, dataset), role="real")
    if fake.exists() and not is_model(fake):
        return DataSource(open_data(fake, options)), reference
    return replace(open_model_source(fake, options, dataset), training_data=trained), reference


def is_model(path: Path) -> bool:
    """Whether a path is a run, a model folder or a file that `load` opens, and not images."""
    if path.is_dir():
        return (path / WEIGHTS_FILE).is_file() or RunFolder(path).exists()
    return path.is_file() and not is_data_file(path)


def training_data_config(path: Path) -> DataConfig | None:
    """Configuration of the data of a run; None for other models, or if the data is gone."""
    data = _data_config(path)
    return data if data and Path(data.path).exists() else None


def _data_config(path: Path) -> DataConfig | None:
    run = RunFolder(path)
    return run.read_config().data if run.exists() else None


def open_model_source(path: Path, options: SourceOptions, labels: Dataset | None) -> ModelSource:
    """A source of a model's images, which draws its labels from a data set."""
    return ModelSource(
        load(path, device=str(options.device)),
        str(path),
        seed=options.seed,
        psi=options.psi,
        precision=options.precision,
        labels=labels,
    )


def open_data(path: Path, options: SourceOptions, *, rules_of: DataConfig | None = None) -> Dataset:
    """Images as they are, or resized as the user asked.

    With `rules_of` classes are numbered as in the data of that run, which may be of an earlier
    version.

    Args:
        path: A folder, zip or container.
        options: Size, part and labels; damaged images.
        rules_of: Data of a run, which may be of an earlier version: classes are numbered as
            there.
    """
    return open_dataset(
        path,
        version=fingerprint_version(rules_of.fingerprint) if rules_of else FINGERPRINT_VERSION,
        size=options.size,
        skip_bad=options.skip_bad,
        any_size=True,
        options=options.reading,
        on_progress=options.on_progress,
    )
