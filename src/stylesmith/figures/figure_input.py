"""What defines a figure, the model and options that it is drawn from, and text for captions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.callbacks import ProgressCallback, ignore_progress
from stylesmith.config import DataConfig, GeneratorConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.figures.panels import FigureLayout
from stylesmith.formatting import format_count, format_image_size
from stylesmith.metrics.image_sources import training_data_config
from stylesmith.models import RunFolder, load, locate_model
from stylesmith.networks import Generator
from stylesmith.networks.layer_indices import format_layers
from stylesmith.networks.sample_inputs import LabelChoice, label_input, prefer_class_name
from stylesmith.sampling import (
    LatentCodes,
    LayerIndices,
    NoiseSettings,
    SamplingPipeline,
    SamplingSettings,
    SeedOrLatent,
    draw_batches,
)
from stylesmith.sampling.image_files import draw_cells
from stylesmith.sampling.latent_files import image_stem, load_sources


@dataclass(frozen=True)
class FigureOptions:
    """What a user may choose about a figure; None leaves it to the figure."""

    seeds: Sequence[int | Path] | None = None
    """Or latent files."""
    psi: float | None = None
    label: LabelChoice | None = None
    """Class or label, where the network has any."""
    count: int | None = None
    """How many images, draws or points are measured."""
    steps: int | None = None
    """Steps of each projection."""
    distance: str | None = None
    """`lpips`, `random` or `pixels`."""
    other: Path | None = None
    """A second model or run, beside the first."""
    data: Path | None = None
    """Real images."""


class FigureInput:
    """A model or run that a figure is drawn from; its parts are opened when they are asked for."""

    def __init__(self, path: Path, device: torch.device, options: FigureOptions | None = None):
        self.given_path, self.device, self.options = path, device, options or FigureOptions()
        self.path = locate_model(path)

    @property
    def name(self) -> str:
        """What captions call it, with the class that the user chose."""
        name = self.path.stem if self.path.is_file() else self.path.resolve().name
        label = self.options.label
        if label is None:
            return name
        if isinstance(label, list):
            return f"{name}, label {', '.join(f'{number:g}' for number in label)}"
        return f"{name}, class {label}"

    @cached_property
    def generator(self) -> Generator:
        """The averaged generator.

        Raises:
            ModelError: If there is no model, or it is damaged.
        """
        return load(self.path, device=self.device.type)

    def pipeline(
        self,
        *,
        psi: float = 1.0,
        psi_layers: LayerIndices | None = None,
        noise: NoiseSettings | None = None,
    ) -> SamplingPipeline:
        """Draws with the psi that the user chose or else this one, on these layers or all, in fp32.

        Raises:
            UsageError: If the class that the user chose doesn't fit the network.
        """
        chosen = psi if self.options.psi is None else self.options.psi
        label = prefer_class_name(self.options.label, self.generator.class_names)
        settings = SamplingSettings(
            psi=chosen,
            psi_layers=psi_layers,
            label=label_input(label),
            noise=noise or NoiseSettings(),
            precision="fp32",
        )
        return SamplingPipeline(self.generator, settings)

    def sources(self, pipeline: SamplingPipeline, default: Sequence[int]) -> list[SeedOrLatent]:
        """The seeds and latent files that the user chose, or else these seeds.

        Raises:
            DataError: If a latent file is missing, damaged, or belongs to another generator.
        """
        return load_sources(pipeline, self.options.seeds or default)

    def exact_sources(
        self, pipeline: SamplingPipeline, default: Sequence[int]
    ) -> list[SeedOrLatent]:
        """`sources`, for figures that show as many images as there are defaults.

        Raises:
            UsageError: If the user chose more or fewer.
        """
        found = self.sources(pipeline, default)
        if len(found) != len(default):
            wanted = format_count(len(default), "image")
            raise UsageError(f"--seeds: names {len(found)}; this figure shows {wanted}")
        return found

    def count(self, default: int) -> int:
        """How many images, draws or points the user wants measured, or else this number."""
        return self.options.count or default

    @property
    def levels_in_use(self) -> int:
        """Levels that the generator draws with; fewer than it has while it grows."""
        growth = self.generator.growth
        return self.generator.config.levels if growth is None else growth.level + 1

    @cached_property
    def run(self) -> RunFolder:
        """The run folder, with its log and snapshots.

        Raises:
            ModelError: If the model is no run.
        """
        if not self.is_run:
            raise self.missing_error("a run's log", "give the folder that `stylesmith train` wrote")
        return RunFolder(self.path)

    @property
    def is_run(self) -> bool:
        """Whether the model is a run with a log."""
        run = RunFolder(self.path)
        return run.exists() and run.log.is_file()

    def training_data(self, remedy: str) -> DataConfig:
        """The data that a run was trained on.

        Raises:
            ModelError: If the model is no run, or its data is gone; `remedy` says what to do.
        """
        found = training_data_config(self.path)
        if found is None:
            raise self.missing_error("its training data", remedy)
        return found

    def require_noise(self) -> None:
        """Raises ModelError where the network has no noise inputs."""
        if not self.generator.config.noise_shapes:
            raise self.missing_error(
                "noise inputs", "networks with generator.noise=true have them (stylegan-e and on)"
            )

    def require_styles(self) -> None:
        """Raises ModelError where one w decides all layers."""
        if self.generator.config.num_ws == 1:
            raise self.missing_error(
                "a style for each layer", "style-based networks have them (stylegan-c and on)"
            )

    def second_model(self) -> "FigureInput":
        """The second model that the user chose.

        Raises:
            ModelError: If there is none.
        """
        if self.options.other is None:
            raise ModelError(
                f"{self.given_path}: this figure compares two models; name one by --other"
            )
        return FigureInput(self.options.other, self.device, self.options)

    def compared_inputs(self) -> list["FigureInput"]:
        """This model, and the second one if the user chose any."""
        return [self] if self.options.other is None else [self, self.second_model()]

    def missing_error(self, what: str, remedy: str) -> ModelError:
        """The error for a figure that needs what this model hasn't."""
        return ModelError(f"{self.given_path}: lacks {what}, which this figure shows; {remedy}.")


FigureFunction = Callable[[FigureInput, ProgressCallback], FigureLayout]


@dataclass(frozen=True)
class PaperFigure:
    """One figure of a paper."""

    id: str
    """`stylegan-3`: the paper and the figure's number."""
    title: str
    options: frozenset[str] = frozenset()
    """The options that have an effect, as fields of `FigureOptions`."""
    needs: str = "any model"
    """What a model must have for it, in words; for a diagram, where it is in docs."""
    draw: FigureFunction | None = None
    """None for diagrams, which nothing computes."""
    needs_no_model: bool = False
    """Whether it is an experiment of its own, without a model."""

    def __call__(self, model: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
        """Draw the figure, which is no diagram, for a model."""
        assert self.draw is not None
        return self.draw(model, on_progress)


def paper_figure(
    id_: str, title: str, options: str, needs: str = "any model", *, needs_no_model: bool = False
) -> Callable[[FigureFunction], PaperFigure]:
    """Decorator: the figure that a function draws; options are names with spaces between."""
    return lambda draw: PaperFigure(
        id_, title, frozenset(options.split()), needs, draw, needs_no_model
    )


def draw_images(
    pipeline: SamplingPipeline,
    inputs: Sequence[SeedOrLatent] | LatentCodes,
    on_progress: ProgressCallback = ignore_progress,
) -> Tensor:
    """Images `(N, C, H, W)` on the CPU, drawn in batches.

    Args:
        pipeline: Draws them.
        inputs: Seeds and latent files, or codes.
        on_progress: Gets the number of images.
    """
    if isinstance(inputs, LatentCodes):
        parts = (images for _, images in draw_cells(pipeline, inputs, 0))
    else:
        parts = (batch for _, batch in draw_batches(pipeline, inputs))
    images: list[Tensor] = []
    for part in parts:
        images.extend(part.cpu())
        on_progress(len(images), len(inputs))
    return torch.stack(images)


def describe_sources(sources: Sequence[SeedOrLatent]) -> str:
    """`seeds 6600-6625`, `seed 5`, `seeds 1,2 and face`."""
    seeds = [source for source in sources if isinstance(source, int)]
    names = [image_stem(source) for source in sources if not isinstance(source, int)]
    if seeds:
        names.insert(0, f"seed{'s' if len(seeds) > 1 else ''} {format_layers(seeds)}")
    return " and ".join(names)


def describe_psi(options: FigureOptions) -> str:
    """` with psi = 0.5`, where the user chose one that a figure doesn't tell otherwise."""
    return "" if options.psi is None else f" with psi = {options.psi:g}"


def describe_style_layers(layers: LayerIndices, config: GeneratorConfig) -> str:
    """Two layers a resolution, as the papers count styles: `layers 0-3 (4x4-8x8)`."""
    sizes = [config.size(layer // 2) for layer in layers]
    return f"layers {format_layers(layers)} ({_resolution_range(sizes)})"


def describe_noise_inputs(layers: LayerIndices, config: GeneratorConfig) -> str:
    """The noise inputs of layers, and the size of their maps: `inputs 4-6 at 16x16-32x32`."""
    inputs = [layer for layer in layers if layer < len(config.noise_shapes)]
    sizes = [config.noise_shapes[layer] for layer in inputs]
    return f"inputs {format_layers(inputs)} at {_resolution_range(sizes)}"


def _resolution_range(sizes: Sequence[tuple[int, int]]) -> str:
    return "-".join(dict.fromkeys(map(format_image_size, (sizes[0], sizes[-1]))))
