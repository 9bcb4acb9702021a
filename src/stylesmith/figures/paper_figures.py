"""All figures of both papers: what each shows, what it needs, and the function that draws it."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields

from stylesmith.callbacks import ProgressCallback
from stylesmith.errors import UsageError
from stylesmith.figures import generator_smoothness, image_grids
from stylesmith.figures.feature_maps import (
    activations_without_droplets,
    corrupted_image_activations,
    droplet_artifacts,
    progressive_growing_activations,
)
from stylesmith.figures.figure_input import FigureInput, FigureOptions
from stylesmith.figures.generator_smoothness import jacobian_conditioning
from stylesmith.figures.image_grids import dataset_samples
from stylesmith.figures.panels import FigureLayout
from stylesmith.figures.phase_artifacts import phase_artifacts
from stylesmith.figures.projections import (
    example_projections,
    noise_regularization,
    projection_histograms,
)
from stylesmith.figures.style_figures import (
    noise_components,
    stochastic_variation,
    style_mixing,
    truncation_trick,
)
from stylesmith.figures.training_history import contributions_over_training, training_history
from stylesmith.figures.warping import latent_space_warping

FigureFunction = Callable[[FigureInput, ProgressCallback], FigureLayout]


@dataclass(frozen=True)
class PaperFigure:
    """One figure of a paper."""

    id: str
    """`stylegan-3`: the paper and the figure's number."""
    title: str
    needs: str
    """What a model must have for it, in words; where it is drawn by hand, the place in docs."""
    draw: FigureFunction | None = None
    """None for diagrams, which nothing computes."""
    options: frozenset[str] = frozenset()
    """The choices that have an effect, as fields of `FigureOptions`."""
    needs_no_model: bool = False
    """Whether it is an experiment of its own, without a model."""


SEEDS_AND_CLASS_OPTIONS = frozenset({"seeds", "label"})
ONE_MODEL_OPTIONS = frozenset({"seeds", "label", "psi", "count"})
ONE_OR_TWO_MODELS_OPTIONS = ONE_MODEL_OPTIONS | {"other"}
SEEDS_AND_PSI_OPTIONS = SEEDS_AND_CLASS_OPTIONS | {"psi"}
TWO_MODELS_OPTIONS = SEEDS_AND_CLASS_OPTIONS | {"other", "data", "count"}
PATH_LENGTH_OPTIONS = frozenset({"count", "distance", "label"})
PROJECTION_OPTIONS = frozenset({"count", "steps", "distance", "label", "other", "data"})
DIAGRAM_IN_DOCS = "drawn in docs/architectures.md"

FIGURES: tuple[PaperFigure, ...] = (
    PaperFigure("stylegan-1", "Traditional and style-based generator", DIAGRAM_IN_DOCS),
    PaperFigure(
        "stylegan-2",
        "Uncurated images in falling size (FFHQ)",
        "any model",
        image_grids.UNCURATED_FFHQ,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan-3", "Style mixing", "a style for each layer", style_mixing, SEEDS_AND_PSI_OPTIONS
    ),
    PaperFigure(
        "stylegan-4",
        "Stochastic variation, and its standard deviation",
        "noise inputs",
        stochastic_variation,
        SEEDS_AND_PSI_OPTIONS | {"count"},
    ),
    PaperFigure(
        "stylegan-5",
        "Noise on all, no, fine and coarse layers",
        "noise inputs",
        noise_components,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan-6",
        "Why W is less warped than Z, by an experiment",
        "no model",
        latent_space_warping,
        frozenset({"count"}),
        needs_no_model=True,
    ),
    PaperFigure(
        "stylegan-7",
        "Images of the data set",
        "a run whose data is there, or --data",
        dataset_samples,
        frozenset({"count", "data"}),
    ),
    PaperFigure(
        "stylegan-8",
        "Truncation, to negative psi",
        "any model",
        truncation_trick,
        SEEDS_AND_CLASS_OPTIONS,
    ),
    PaperFigure(
        "stylegan-9",
        "Quality and path length over training",
        "a run with metrics in its log; --other for a second one",
        training_history,
        frozenset({"other"}),
    ),
    PaperFigure(
        "stylegan-10",
        "Uncurated images in falling size (LSUN Bedroom)",
        "any model",
        image_grids.UNCURATED_BEDROOM,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan-11",
        "Uncurated images in falling size (LSUN Car)",
        "any model",
        image_grids.UNCURATED_CAR,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan-12",
        "Uncurated images in falling size (LSUN Cat)",
        "any model",
        image_grids.UNCURATED_CAT,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-1",
        "Droplets: feature maps before and after instance normalization",
        "AdaIN",
        droplet_artifacts,
        ONE_MODEL_OPTIONS,
    ),
    PaperFigure("stylegan2-2", "StyleGAN's synthesis network, redesigned", DIAGRAM_IN_DOCS),
    PaperFigure(
        "stylegan2-3",
        "Activations with demodulation in place of normalization",
        "any model; --other with other normalization",
        activations_without_droplets,
        ONE_OR_TWO_MODELS_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-4",
        "Images of low and of high path length",
        "any model",
        generator_smoothness.low_and_high_path_lengths,
        PATH_LENGTH_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-5",
        "Distribution of the path length of single images",
        "any model; --other for a second one",
        generator_smoothness.path_length_distribution,
        PATH_LENGTH_OPTIONS | {"other"},
    ),
    PaperFigure(
        "stylegan2-6",
        "Phase artifacts: details that stay while the pose moves",
        "any model; --other without progressive growing",
        phase_artifacts,
        ONE_OR_TWO_MODELS_OPTIONS,
    ),
    PaperFigure("stylegan2-7", "Three generators and three discriminators", DIAGRAM_IN_DOCS),
    PaperFigure(
        "stylegan2-8",
        "Contribution of each resolution over training",
        "skip generator; a run's snapshots for the history",
        contributions_over_training,
        frozenset({"count", "label"}),
    ),
    PaperFigure(
        "stylegan2-9",
        "Generated and real images, projected",
        "a run whose data is there, or --data; --other for a second model",
        example_projections,
        PROJECTION_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-10",
        "Distances of projections of generated and real images",
        "a run whose data is there, or --data; --other for a second model",
        projection_histograms,
        PROJECTION_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-11",
        "Hand-picked images",
        "any model",
        image_grids.hand_picked_samples,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-12",
        "Uncurated images with psi 0.5",
        "any model",
        image_grids.random_samples,
        SEEDS_AND_PSI_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-13",
        "Two models side by side (LSUN Cat)",
        "any two models; runs for numbers",
        image_grids.TWO_MODELS_CAT,
        TWO_MODELS_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-14",
        "Two models side by side (LSUN Car)",
        "any two models; runs for numbers",
        image_grids.TWO_MODELS_CAR,
        TWO_MODELS_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-15",
        "Activations of a successful and of a corrupted image",
        "any model",
        corrupted_image_activations,
        ONE_MODEL_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-16",
        "Activations with and without progressive growing",
        "any model; --other without progressive growing",
        progressive_growing_activations,
        ONE_OR_TWO_MODELS_OPTIONS,
    ),
    PaperFigure(
        "stylegan2-17",
        "Singular values of the Jacobian at random w",
        "any model; --other with other regularization",
        jacobian_conditioning,
        frozenset({"count", "label", "other", "psi"}),
    ),
    PaperFigure(
        "stylegan2-18",
        "Noise maps of a projection without and with their regularizer",
        "noise inputs; a run whose data is there, --data, or a second model by --other",
        noise_regularization,
        PROJECTION_OPTIONS - {"count"},
    ),
)


def find_figure(name: str) -> PaperFigure:
    """The figure of that id.

    Raises:
        UsageError: If there is none, or it is a diagram.
    """
    by_id = {figure.id: figure for figure in FIGURES}
    if name not in by_id:
        close = difflib.get_close_matches(name, by_id, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"figure {name!r}: unknown. {hint}`stylesmith figure --list` shows all")
    figure = by_id[name]
    if figure.draw is None:
        raise UsageError(f"figure {name!r}: is a diagram, which no model draws; {figure.needs}")
    return figure


def check_model(figure: PaperFigure, model: str | None) -> None:
    """Refuse a figure without the model that it shows, and a model that it would not show.

    Raises:
        UsageError: Saying what to do.
    """
    if figure.needs_no_model and model is not None:
        raise UsageError(f"figure {figure.id}: shows no model; leave {model} out")
    if not figure.needs_no_model and model is None:
        raise UsageError(f"name a figure and a model; {figure.id} needs {figure.needs}")


def check_options(figure: PaperFigure, choices: FigureOptions) -> None:
    """Refuse choices that would have no effect.

    Raises:
        UsageError: Naming the first one, and those that have an effect.
    """
    for field in fields(choices):
        if getattr(choices, field.name) is not None and field.name not in figure.options:
            known = ", ".join(f"--{_option_name(name)}" for name in sorted(figure.options))
            raise UsageError(
                f"--{_option_name(field.name)}: has no effect on {figure.id}, which takes "
                f"{known or 'no options'}"
            )


def _option_name(field: str) -> str:
    return "class" if field == "label" else field
