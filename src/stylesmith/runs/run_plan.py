"""The plan of a run: what it will do and take, in words, before it starts."""

import torch

from stylesmith import distributed
from stylesmith.augment import open_augmentation
from stylesmith.config import RunConfig, TrainingConfig
from stylesmith.devices import choose_precision, device_name, dtype_name
from stylesmith.errors import ConfigError
from stylesmith.formatting import format_duration, format_image_count, format_image_size
from stylesmith.presets import find_preset
from stylesmith.runs.training_run import RunOptions
from stylesmith.training.estimate import (
    Forecast,
    choose_micro_batch,
    forecast,
    micro_batch_note,
)
from stylesmith.training.run_history import EARLY_IMAGES
from stylesmith.training.schedule import Schedule
from stylesmith.training.trainer import RunLimits

MIN_ADJUSTMENT_KIMG = 10.0
"""Fewest thousands of images over which the strength of augmentation goes from 0 to 1."""


def plan(
    config: RunConfig, options: RunOptions, *, dataset_images: int | None
) -> tuple[RunConfig, str]:
    """The configuration with its micro-batch filled in, and what would run, in words.

    Memory and time are estimates.

    Args:
        config: The run as it was asked for.
        options: The device, and how long this session may last.
        dataset_images: Number of images to learn from; None leaves it out of the text.

    Raises:
        UsageError: If the batch cannot be shared by the processes.
    """
    config, schedule, expected = _forecast(config, options.device)
    precision = choose_precision(config.training.precision, options.device)
    config = _plan_strength(config, options.limits, expected)
    duration, training = format_duration(expected.seconds), config.training
    mirrored = ", mirrored" if config.data.mirror else ""
    count = "" if dataset_images is None else f"{dataset_images} "
    lines = [
        f"{config.preset}: {count}images of {config.data.describe()}{mirrored}",
        f"  networks   up to {config.generator.max_channels} channels, "
        f"{config.generator.mapping.layers} mapping layers",
        *_describe_phases(config, schedule),
        f"  losses     {_describe_losses(training)}",
        *_describe_metrics(config),
        *_describe_held_out(config),
        *_describe_augmentation(config),
        f"  device     {device_name(options.device)}, {dtype_name(precision)}",
        f"  memory     about {expected.memory_bytes / 1e9:.1f} GB a process",
        f"  time       about {expected.images_per_second:.3g} images a second at full size: "
        f"{duration} for {format_image_count(round(training.kimg * 1000))} images",
        *_describe_minutes(options.limits, expected, training),
        *_describe_first_results(config, options.device, expected),
        *filter(None, [micro_batch_note(config, schedule)]),
    ]
    return config, "\n".join(lines)


def _forecast(config: RunConfig, device: torch.device) -> tuple[RunConfig, Schedule, Forecast]:
    """A run with its micro-batch filled in, its schedule, and what it will take."""
    config = choose_micro_batch(config, device)
    schedule = Schedule(config, processes=distributed.planned_world_size())
    precision = choose_precision(config.training.precision, device)
    return config, schedule, forecast(config, schedule, precision, device)


def _describe_minutes(limits: RunLimits, expected: Forecast, training: TrainingConfig) -> list[str]:
    """Number of images that a session with a time limit reaches, if that is not the whole run."""
    seconds = (limits.minutes or 0) * 60
    if not seconds or (seconds >= expected.seconds and not limits.ignore_length):
        return []
    reached = format_image_count(int(seconds * training.kimg * 1000 / expected.seconds))
    return [f"  this time  {format_duration(seconds)}: about {reached} images, then it stops"]


def _describe_first_results(
    config: RunConfig, device: torch.device, expected: Forecast
) -> list[str]:
    """When first shapes may be expected, and by `auto` at which size within an hour."""
    if config.training.kimg * 1000 < EARLY_IMAGES:
        return []
    seconds = EARLY_IMAGES / expected.images_per_second
    text = f"after {format_image_count(EARLY_IMAGES)} images, about {format_duration(seconds)}"
    size = _size_within_an_hour(config, device) if seconds > 3600 else None
    advice = f"; within an hour at {format_image_size(size)} (--resolution)" if size else ""
    return [f"  shapes     usually appear {text}{advice}"]


def _size_within_an_hour(config: RunConfig, device: torch.device) -> tuple[int, int] | None:
    """The largest smaller size at which the same preset shows shapes within an hour."""
    height, width = config.data.size
    while min(height, width) >= 32:
        height, width = height // 2, width // 2
        data = config.data.change(size=(height, width))
        try:
            smaller = find_preset(config.preset).build(
                data, device, distributed.planned_world_size()
            )
        except ConfigError:  # of a data set of one size
            return None
        _, _, expected = _forecast(smaller, device)
        if expected.images_per_second * 3600 >= EARLY_IMAGES:
            return height, width
    return None


def _plan_strength(config: RunConfig, limits: RunLimits, expected: Forecast) -> RunConfig:
    """Let the strength of augmentation go from 0 to 1 in a tenth of what this session reaches."""
    training = config.training
    if training.augment is None or training.strength.kimg is not None:
        return config
    planned = training.kimg
    if limits.minutes:
        planned = min(planned, limits.minutes * 60 * planned / expected.seconds)
    kimg = max(MIN_ADJUSTMENT_KIMG, round(planned / 10, 1))
    return config.change(training={"strength": {"kimg": kimg}})


def _describe_augmentation(config: RunConfig) -> list[str]:
    """The augmentation, what sets its strength, and the groups that cannot run at this size."""
    augment, strength = config.training.augment, config.training.strength
    if augment is None:
        return []
    size, channels = config.data.size, config.generator.image_channels
    left_out = open_augmentation(augment, channels, *size).left_out
    if strength.signal == "fixed":
        course = f"with strength {strength.initial:g}"
    else:
        by = "held-out" if strength.signal == "r_v" else "training"
        course = (
            f"by scores of {by} images ({strength.signal} {strength.target_value:g}), from 0 to 1 "
            f"in {strength.kimg:g} thousand"
        )
    return [
        f"  augments   {augment.describe()}, {course} (--augment none turns it off)",
        *(f"             without {group}: {reason}" for group, reason in left_out.items()),
    ]


def _describe_held_out(config: RunConfig) -> list[str]:
    count = config.data.hold_out
    if not count:
        return []
    return [f"  held out   {count} images more, to tell whether it overfits (--hold-out)"]


def _describe_phases(config: RunConfig, schedule: Schedule) -> list[str]:
    """Levels, batches and learning rates; one line per level where they differ."""
    phases, growth = schedule.phases, config.training.growth
    shown = []
    for level, phase in phases.items():
        layout = phase.layout
        batch = (
            f"{layout.batch_size} = {layout.processes} processes x {layout.micro_batch} images "
            f"x {layout.accumulation} accumulated"
        )
        rates = f"rates {phase.generator_lr:g} and {phase.discriminator_lr:g}"
        name = format_image_size(config.generator.size(level)) if growth else "batch"
        shown.append(f"  {name:<10} {batch}, {rates}")
    if growth is None:
        return shown
    grown = growth.grown_kimg(config.generator.levels)
    head = (
        f"  growing    {growth.train_kimg:g} thousand images a level, {growth.fade_kimg:g} to fade "
        f"in; full size after {grown:g}"
    )
    return [head, *shown]


def _describe_losses(training: TrainingConfig) -> str:
    wgan = f"WGAN-GP lambda {training.wgan_penalty:g}, drift {training.wgan_drift:g}"
    parts = [wgan if training.loss == "wgan_gp" else "logistic"]
    if training.r1_gamma:
        parts.append(f"R1 gamma {training.r1_gamma:g} {_interval_text(training.r1_interval)}")
    if training.path_weight:
        parts.append(
            f"path length {training.path_weight:g} {_interval_text(training.path_interval)}"
        )
    return ", ".join(parts)


def _describe_metrics(config: RunConfig) -> list[str]:
    output = config.output
    if not output.metrics:
        return []
    every = output.at_level("metrics_kimg", config.generator.levels - 1)
    return [f"  metrics    {', '.join(output.metrics)} every {every:g} thousand images"]


def _interval_text(interval: int) -> str:
    return "every step" if interval == 1 else f"every {interval} steps"
