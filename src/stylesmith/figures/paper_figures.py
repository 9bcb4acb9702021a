"""All figures of both papers, and the checks of what a user asks of one."""

from dataclasses import fields

from stylesmith.errors import UsageError, suggest_name
from stylesmith.figures import (
    feature_maps,
    generator_smoothness,
    image_grids,
    phase_artifacts,
    projections,
    style_figures,
    training_history,
    warping,
)
from stylesmith.figures.figure_input import FigureOptions, PaperFigure


def _diagram(id_: str, title: str) -> PaperFigure:
    return PaperFigure(id_, title, needs="drawn in docs/architectures.md")


FIGURES: tuple[PaperFigure, ...] = (
    _diagram("stylegan-1", "Traditional and style-based generator"),
    image_grids.UNCURATED_FFHQ,
    style_figures.style_mixing,
    style_figures.stochastic_variation,
    style_figures.noise_components,
    warping.latent_space_warping,
    image_grids.dataset_samples,
    style_figures.truncation_trick,
    training_history.training_history,
    image_grids.UNCURATED_BEDROOM,
    image_grids.UNCURATED_CAR,
    image_grids.UNCURATED_CAT,
    feature_maps.droplet_artifacts,
    _diagram("stylegan2-2", "StyleGAN's synthesis network, redesigned"),
    feature_maps.activations_without_droplets,
    generator_smoothness.low_and_high_path_lengths,
    generator_smoothness.path_length_distribution,
    phase_artifacts.phase_artifacts,
    _diagram("stylegan2-7", "Three generators and three discriminators"),
    training_history.contributions_over_training,
    projections.example_projections,
    projections.projection_histograms,
    image_grids.hand_picked_samples,
    image_grids.random_samples,
    image_grids.TWO_MODELS_CAT,
    image_grids.TWO_MODELS_CAR,
    feature_maps.corrupted_image_activations,
    feature_maps.progressive_growing_activations,
    generator_smoothness.jacobian_conditioning,
    projections.noise_regularization,
)


def find_figure(name: str) -> PaperFigure:
    """The figure of that id.

    Raises:
        UsageError: If there is none, or it is a diagram.
    """
    by_id = {figure.id: figure for figure in FIGURES}
    if name not in by_id:
        nearest = suggest_name(name, by_id)
        hint = f"Did you mean {nearest!r}? " if nearest else ""
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


def check_options(figure: PaperFigure, options: FigureOptions) -> None:
    """Refuse options that would have no effect.

    Raises:
        UsageError: Naming the first one, and those that have an effect.
    """
    for field in fields(options):
        if getattr(options, field.name) is not None and field.name not in figure.options:
            known = ", ".join(f"--{_option_name(name)}" for name in sorted(figure.options))
            raise UsageError(
                f"--{_option_name(field.name)}: has no effect on {figure.id}, which takes "
                f"{known or 'no options'}"
            )


def _option_name(field: str) -> str:
    return "class" if field == "label" else field
