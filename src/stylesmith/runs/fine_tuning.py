"""Fine-tuning: a new run that starts with the weights of another model.

The architecture is that of the source. Weights of the generator, its average and the discriminator
are copied; moments of the optimizers, means and the strength of augmentation start anew.
"""

from pathlib import Path
from typing import cast

import torch

from stylesmith.config import RunConfig
from stylesmith.config.network import ConvolutionalConfig, GeneratorConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.formatting import format_image_size
from stylesmith.models import RunFolder, load_bundle, locate_model
from stylesmith.models.serialization import Bundle, copy_tensors
from stylesmith.networks import build_discriminator
from stylesmith.training.train_state import TrainState

ADJUSTMENT_KIMG = 100.0
"""Thousands of images in which the strength of augmentation goes from 0 to 1 (StyleGAN2-ADA)."""
USUAL_RATE = 0.002
"""Learning rate where the source does not tell the one that it was trained with."""


def fine_tuned_config(
    config: RunConfig, source: str, *, freeze_d: int = 0
) -> tuple[RunConfig, str]:
    """The configuration of a run that starts with the weights of a model, and what it takes of it.

    Networks are those of the source. Learning rates and the penalty are those of its run, where it
    is one. The average follows at once: its source is no random start. Growing is over.

    Args:
        config: The run without a source; its data decides what the source must draw.
        source: A run, a model folder, a checkpoint, or a file of published weights.
        freeze_d: Number of layers of the discriminator, from the image on, that do not learn.

    Returns:
        The configuration, and a line that says which networks are kept and which are fresh.

    Raises:
        UsageError: If the discriminator has fewer layers than are to stay.
        ConfigError: If the source has no discriminator, and its generator does not fit that of the
            run.
        ModelError: If there is no model, or its images, channels or labels are not those of the
            data.
    """
    bundle = load_bundle(Path(source), trained=True)
    _check_fits(bundle.ema.config, config, source)
    discriminator = _discriminator(config, bundle)
    run = RunFolder(locate_model(source))
    kept = ("generator_lr", "discriminator_lr", "r1_gamma", "path_weight", "loss")
    rates = {"generator_lr": USUAL_RATE, "discriminator_lr": USUAL_RATE}
    if run.exists():
        trained = run.read_config().training
        rates = {name: getattr(trained, name) for name in kept}
    _check_layers(discriminator, freeze_d)
    location = str(Path(source).resolve()) if Path(source).exists() else source
    changed = config.change(
        generator=bundle.ema.config,
        discriminator=discriminator,
        training={
            **rates,
            "source": location,
            "freeze_d": freeze_d,
            "ema_rampup": None,
            "growth": None,
        },
    )
    if changed.training.augment is not None:
        changed = changed.change(training={"strength": {"kimg": ADJUSTMENT_KIMG}})
    return changed, _describe_source(bundle, source, freeze_d)


def _check_layers(config: ConvolutionalConfig, freeze_d: int) -> None:
    with torch.device("meta"):
        layers = len(build_discriminator(config).image_layers())
    if freeze_d > layers:
        raise UsageError(
            f"--freeze-d {freeze_d}: this discriminator has {layers} layers before its epilogue, "
            f"so at most {layers} can stay."
        )


def _discriminator(config: RunConfig, bundle: Bundle) -> ConvolutionalConfig:
    """The discriminator of the source, or the one of the run where the source has none."""
    if bundle.discriminator is not None:
        return bundle.discriminator.config
    return cast(ConvolutionalConfig, config.discriminator)


def _check_fits(found: GeneratorConfig, config: RunConfig, source: str) -> None:
    """Refuse a source whose images are not those of the data, with the options that help."""
    data = config.data
    remedies = []
    if found.size() != data.size:
        height, width = found.size()
        option = f"{height}" if height == width else format_image_size(found.size())
        remedies.append(f"--resolution {option}")
    if found.image_channels != data.channels:
        remedies.append(f"--channels {found.image_channels}")
    if found.label_size != data.label_size:
        if found.label_size and data.label_size:
            raise ModelError(
                f"{source}: has {found.label_size} classes, the data {data.label_size}. Fine-tune "
                "with the same classes, or without --conditional from a model without classes."
            )
        if found.label_size:
            remedies.append("--conditional and data with the same classes")
        else:
            raise ModelError(
                f"{source}: draws without classes, so a run that starts with its weights does too. "
                "Leave --conditional out."
            )
    if remedies:
        kind = {1: "gray", 3: "RGB", 4: "RGBA"}[found.image_channels]
        raise ModelError(
            f"{source}: draws {format_image_size(found.size())} {kind}, the data is "
            f"{data.describe()}. Wanted {', '.join(remedies)}."
        )


def _describe_source(bundle: Bundle, source: str, freeze_d: int) -> str:
    kept = "generator, average" if bundle.generator else "generator (the average)"
    if bundle.discriminator is None:
        kept += "; a fresh discriminator, since the source has none"
    else:
        kept += " and discriminator"
    frozen = f", of which {freeze_d} layers stay" if freeze_d else ""
    return f"Starts from {source}: {kept}{frozen}; optimizers start anew"


def copy_source_weights(state: TrainState, source: str) -> None:
    """Start a run with the weights of its source.

    Args:
        state: A fresh start with the architecture of the source.
        source: As in `fine_tuned_config`.

    Raises:
        ModelError: If there is no model any more, or it has other networks.
    """
    bundle = load_bundle(Path(source), trained=True)
    pairs = (
        (state.generator, bundle.generator or bundle.ema),
        (state.ema, bundle.ema),
        (state.discriminator, bundle.discriminator or state.discriminator),
    )
    for target, network in pairs:
        copy_tensors(target.state_dict(), network.state_dict(), source=source)
    with torch.no_grad():  # noise maps and the mean of w belong to the network that is drawn with
        for name, buffer in state.generator.named_buffers():
            buffer.copy_(dict(bundle.ema.named_buffers())[name])
