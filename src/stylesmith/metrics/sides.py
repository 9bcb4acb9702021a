"""From the paths that a user names to the two sides of a measurement."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from stylesmith.config import DataConfig
from stylesmith.data.dataset import Dataset, open_dataset
from stylesmith.data.parallel import ProgressCallback
from stylesmith.devices import Precision
from stylesmith.metrics.sources import DataSource, ImageSource, ModelSource
from stylesmith.models import RunFolder, load, locate_model
from stylesmith.models.store import WEIGHTS_FILE


@dataclass(frozen=True)
class SourceOptions:
    """How sides are opened."""

    device: torch.device
    precision: Precision
    seed: int = 0
    psi: float = 1.0
    size: tuple[int, int] | None = None
    """Height and width that data is cropped and resized to; None leaves it as it is."""
    skip_bad: bool = False
    on_progress: ProgressCallback | None = None


def open_sources(
    fake: Path, real: Path | None, options: SourceOptions
) -> tuple[ImageSource, ImageSource | None]:
    """What is measured, and what it is held against.

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
    dataset = None
    if real is None and trained is not None:
        dataset = open_training_data(trained, options)
    elif real is not None and not is_model(real):
        same = trained is not None and Path(trained.path) == real.resolve()
        dataset = (
            open_training_data(trained, options) if same and trained else open_data(real, options)
        )
    real_side: ImageSource | None = DataSource(dataset) if dataset else None
    if real is not None and is_model(real):
        dataset = open_training_data(trained, options) if trained else None  # for its labels
        real_side = replace(open_model_source(real, options, dataset), role="real")
    if fake.exists() and not is_model(fake):
        return DataSource(open_data(fake, options)), real_side
    return replace(open_model_source(fake, options, dataset), training_data=trained), real_side


def is_model(path: Path) -> bool:
    """Whether a path is a run, a model folder or a file that `load` opens, and not images."""
    if path.is_dir():
        return (path / WEIGHTS_FILE).is_file() or RunFolder(path).exists()
    return path.is_file() and path.suffix.lower() != ".zip"


def training_data_config(path: Path) -> DataConfig | None:
    """What a run says of its data; None for other models, or if the data is gone."""
    run = RunFolder(path)
    if not run.exists() or (path / WEIGHTS_FILE).is_file():  # model folders have a config.json too
        return None
    data = run.read_config().data
    return data if Path(data.path).exists() else None


def open_model_source(path: Path, options: SourceOptions, labels: Dataset | None) -> ModelSource:
    """A model as a side, which draws its labels from a data set."""
    generator = load(path, device=str(options.device))
    return ModelSource(
        generator,
        str(path),
        seed=options.seed,
        psi=options.psi,
        precision=options.precision,
        labels=labels,
    )


def open_data(path: Path, options: SourceOptions) -> Dataset:
    """Images as they are, or resized as the user asked."""
    return open_dataset(
        path, size=options.size, skip_bad=options.skip_bad, on_progress=options.on_progress
    )


def open_training_data(data: DataConfig, options: SourceOptions) -> Dataset:
    """The images of a run in the size and with the channels that it was trained with."""
    size = options.size or (data.size if data.resize else None)
    return open_dataset(
        data.path,
        size=size,
        channels=data.channels,
        skip_bad=options.skip_bad or data.skip_bad,
        on_progress=options.on_progress,
    )
