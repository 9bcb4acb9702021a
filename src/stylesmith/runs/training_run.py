"""Start a training run, or continue one."""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

import stylesmith
from stylesmith import distributed, files
from stylesmith.augment import open_augmentation
from stylesmith.callbacks import Notify
from stylesmith.config import DataConfig, RunConfig, TrainingConfig
from stylesmith.data.dataset import Dataset, open_training_data
from stylesmith.data.held_out import split_held_out
from stylesmith.data.image_set import absolute_table
from stylesmith.devices import choose_precision, device_name, dtype_name, enable_cudnn_benchmark
from stylesmith.errors import ConfigError, DataError, ModelError
from stylesmith.formatting import (
    format_command,
    format_duration,
    format_image_count,
    format_image_size,
)
from stylesmith.models import RunFolder
from stylesmith.networks import parameter_count
from stylesmith.presets import differences, find_preset
from stylesmith.runs.evaluators import RunEvaluator
from stylesmith.runs.fine_tuning import copy_source_weights, describe_source
from stylesmith.runs.run_lock import lock_run
from stylesmith.training.estimate import (
    Forecast,
    choose_micro_batch,
    forecast,
    micro_batch_note,
    set_micro_batches,
)
from stylesmith.training.log import LiveView, read_log
from stylesmith.training.recorder import Preview, Recorder
from stylesmith.training.run_history import EARLY_IMAGES
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState, restore_newest
from stylesmith.training.trainer import RunLimits, StopReason, Trainer, stop_request


@dataclass(frozen=True)
class RunOptions:
    """How to run, as opposed to what to compute."""

    device: torch.device
    limits: RunLimits = field(default_factory=RunLimits)
    tensorboard: bool = False
    force: bool = False
    may_shrink: bool = False
    """Halve the micro-batch where memory runs out, for it was chosen by what seemed free."""


def make_data_config(
    dataset: Dataset,
    *,
    conditional: bool,
    mirror: bool,
    skip_bad: bool,
    resize: bool,
    hold_out: int = 0,
) -> DataConfig:
    """The data section of a configuration.

    Raises:
        DataError: If `conditional` is set and there are no labels.
    """
    if conditional and not dataset.label_size:
        raise DataError(
            f"{dataset.path}: has no labels, which --conditional needs. Put the images of each "
            "class into a folder of its own, or add a dataset.json."
        )
    return DataConfig.model_validate(
        {
            "path": str(dataset.path.resolve()),
            "split": dataset.options.split,
            "labels": absolute_table(dataset.options.labels),
            "size": dataset.size,
            "channels": dataset.channels,
            "label_size": dataset.label_size if conditional else 0,
            "class_names": (dataset.class_names or ()) if conditional else (),
            "mirror": mirror,
            "skip_bad": skip_bad,
            "resize": resize,
            "hold_out": hold_out,
            "credit": dataset.credit,
            "fingerprint": dataset.fingerprint,
        }
    )


def plan(
    config: RunConfig, options: RunOptions, *, dataset_images: int | None
) -> tuple[RunConfig, str]:
    """The configuration with its micro-batch filled in, and what would run, in words.

    Says memory and time before anything starts; both are estimates.

    Raises:
        UsageError: If the batch cannot be shared by the processes.
    """
    config = choose_micro_batch(config, options.device)
    schedule = Schedule(config, processes=distributed.planned_world_size())
    precision = choose_precision(config.training.precision, options.device)
    expected = forecast(config, schedule, precision, options.device)
    config = _plan_strength(config, options.limits, expected)
    duration, training = format_duration(expected.seconds), config.training
    mirrored = ", mirrored" if config.data.mirror else ""
    count = "" if dataset_images is None else f"{dataset_images} "
    lines = [
        f"{config.preset}: {count}images of {config.data.describe()}{mirrored}",
        f"  networks   up to {config.generator.max_channels} channels, "
        f"{config.generator.mapping.layers} mapping layers",
        *(f"  starts     {text}" for text in filter(None, [describe_source(config)])),
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


def _describe_minutes(limits: RunLimits, expected: Forecast, training: TrainingConfig) -> list[str]:
    """What a session with a time limit will reach, where that is less than the whole run."""
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
        smaller = choose_micro_batch(smaller, device)
        schedule = Schedule(smaller, processes=distributed.planned_world_size())
        precision = choose_precision(smaller.training.precision, device)
        speed = forecast(smaller, schedule, precision, device).images_per_second
        if speed * 3600 >= EARLY_IMAGES:
            return height, width
    return None


MIN_ADJUSTMENT_KIMG = 10.0
"""Fewest thousands of images over which the strength of augmentation goes from 0 to 1."""


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


def start(
    config: RunConfig, dataset: Dataset, out: Path, options: RunOptions, *, notify: Notify
) -> StopReason:
    """Train a new run in the folder `out`.

    Raises:
        OutputError: If `out` exists and replacing it was not asked for.
        RunError: If training cannot go on.
    """
    with distributed.process_group(options.device):
        files.check_absent(out, force=options.force, folder=True)
        if config.training.micro_batch is None:
            options = replace(options, may_shrink=True)
        config = _agree_on_config(config, options.device)
        with _lock(RunFolder(out), notify):
            if RunFolder(out).exists():  # another process may have begun and ended one
                files.check_absent(out, force=options.force, folder=True)
            return _train(config, dataset, RunFolder(out), options, notify, is_new=True)


def resume(run: RunFolder, config: RunConfig, options: RunOptions, *, notify: Notify) -> StopReason:
    """Go on with a run exactly where its newest whole checkpoint left it.

    Raises:
        DataError: If the data cannot be read or has changed.
        ModelError: If no checkpoint is whole, or it belongs to other networks.
        RunError: If training cannot go on.
    """
    data = config.data
    if not Path(data.path).exists():
        raise DataError(
            f"{data.path}: no such folder or zip. If the images of this run were moved, say where "
            "they are now: " + format_command("train", "--resume", run.path, "NEW_PATH")
        )
    dataset = open_training_data(data)
    if dataset.fingerprint != data.fingerprint:
        raise DataError(
            f"{data.path}: has changed since the run started, so it cannot go on exactly. Restore "
            "the images, or start a new run."
        )
    with distributed.process_group(options.device), _lock(run, notify):
        schedule = Schedule(config)  # refused, as a damaged log is, before anything is written
        if run.log.exists():
            read_log(run.log)
        if distributed.is_main() and (note := micro_batch_note(config, schedule)):
            notify(note)
        return _train(config, dataset, run, options, notify, is_new=False)


def _lock(run: RunFolder, notify: Notify) -> contextlib.AbstractContextManager[None]:
    """Of several processes of one run, the main one locks it."""
    return lock_run(run, notify=notify) if distributed.is_main() else contextlib.nullcontext()


def check_resumable(run: RunFolder, config: RunConfig) -> None:
    """Refuse settings that a run cannot change on its way.

    Data may have moved, and damaged images may be left out from now on.

    Raises:
        ModelError: If networks or data differ from those that the run was started with.
    """
    for name in ("source", "freeze_d"):
        if getattr(run.read_config().training, name) != getattr(config.training, name):
            raise ModelError(
                f"{run.path}: a run is resumed with the training.{name} it was started with; start "
                "a new run to change that."
            )
    free = {"path": config.data.path, "skip_bad": config.data.skip_bad}
    old = run.read_config().change(data=free)
    for part in ("generator", "discriminator", "data"):
        if getattr(old, part) != getattr(config, part):
            raise ModelError(
                f"{run.path}: a run is resumed with the {part} it was started with; start a new "
                "run to change that."
            )


def check_same_settings(
    run: RunFolder, original: RunConfig, expected: RunConfig, *, folder_option: str
) -> None:
    """Refuse to go on with one of several runs that are compared, if its settings have changed.

    Where data lies, how much fits into memory and when something is written may differ.

    Args:
        run: Its folder.
        original: The settings that it was started with.
        expected: The settings that it has to have.
        folder_option: The option that names another folder.

    Raises:
        ConfigError: Naming the first setting that differs.
    """
    original = original.change(
        data={"path": expected.data.path},
        training={"micro_batch": expected.training.micro_batch},
        output=expected.output.model_dump(),
    )
    for key, (old, new) in differences(original, expected).items():
        raise ConfigError(
            f"{run.path}: was trained with {key} {old}, now it is {new}. Give the settings it was "
            f"started with, choose another {folder_option}, or remove that folder to train the row "
            "anew."
        )


def _train(
    config: RunConfig,
    dataset: Dataset,
    run: RunFolder,
    options: RunOptions,
    notify: Notify,
    *,
    is_new: bool,
) -> StopReason:
    """Train in one process of the group; only the main one writes and shows anything."""
    class_names = dataset.class_names
    dataset, held_out = split_held_out(dataset, config.data.hold_out, seed=config.training.seed)
    evaluator = RunEvaluator.from_config(config, held_out or dataset, options.device)
    state = TrainState.create(config, options.device)
    state.ema.class_names = class_names if config.generator.label_size else None
    if config.training.source and (is_new or not run.checkpoints()):
        copy_source_weights(state, config.training.source)
    if not is_new:
        restore_newest(run, config, state, notify=notify)
    preview = Preview.from_dataset(config, dataset) if distributed.is_main() else None
    distributed.barrier()  # nothing is replaced before all that may fail has been done
    enable_cudnn_benchmark(options.device)
    with stop_request() as request, contextlib.ExitStack() as stack:
        recorder = None
        if preview:
            if is_new:
                run.clear()
            run.write_config(config)
            run.remove_leftovers()
            view = stack.enter_context(_make_view(config, state, options.limits))
            recorder = Recorder(config, state, run, preview, view, options.tensorboard)
            stack.callback(recorder.close)
        trainer = Trainer(
            config,
            state,
            dataset,
            run,
            held_out=held_out,
            recorder=recorder,
            evaluator=evaluator,
            may_shrink=options.may_shrink,
        )
        if recorder:
            recorder.start(**_start_fields(config, trainer, options.device))
        return trainer.run(options.limits, request)


def _make_view(config: RunConfig, state: TrainState, limits: RunLimits) -> LiveView:
    return LiveView(
        total_images=None if limits.ignore_length else int(config.training.kimg * 1000),
        total_seconds=limits.minutes * 60 if limits.minutes else None,
        start_images=state.counters.images_seen,
        title=f"{config.preset} on {Path(config.data.path).name}",
    )


def _agree_on_config(config: RunConfig, device: torch.device) -> RunConfig:
    """The configuration of the main process, with the smallest micro-batches that any chose.

    Each process knows its own free memory; all else is decided once.
    """
    own = choose_micro_batch(config, device)
    config = RunConfig.model_validate_json(distributed.broadcast_text(own.model_dump_json()))
    levels = list(Schedule(config).phases)
    chosen = [own.training.at_level("micro_batch", level) for level in levels]
    agreed = distributed.all_reduce_min_(torch.tensor(chosen, device=device)).tolist()
    return set_micro_batches(config, dict(zip(levels, agreed, strict=True)))


def _start_fields(config: RunConfig, trainer: Trainer, device: torch.device) -> dict[str, object]:
    layout = trainer.train_step.phase.layout
    return {
        "device": device_name(device),
        "precision": dtype_name(choose_precision(config.training.precision, device)),
        "processes": layout.processes,
        "micro_batch": layout.micro_batch,
        "accumulation": layout.accumulation,
        "generator_parameters": parameter_count(trainer.state.generator),
        "discriminator_parameters": parameter_count(trainer.state.discriminator),
        "dataset_images": len(trainer.dataset),
        **({"held_out_images": len(trainer.held_out)} if trainer.held_out else {}),
        "stylesmith": stylesmith.__version__,
        "torch": str(torch.__version__),
    }
