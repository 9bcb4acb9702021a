"""Start a training run, or continue one."""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

import stylesmith
from stylesmith import distributed, files
from stylesmith.callbacks import Notify
from stylesmith.config import DataConfig, RunConfig
from stylesmith.data.dataset import Dataset, open_training_data
from stylesmith.data.held_out import split_held_out
from stylesmith.data.image_set import absolute_table
from stylesmith.devices import choose_precision, device_name, dtype_name, enable_cudnn_benchmark
from stylesmith.errors import ConfigError, DataError, ModelError
from stylesmith.formatting import (
    format_command,
)
from stylesmith.models import RunFolder
from stylesmith.networks import parameter_count
from stylesmith.presets import differences
from stylesmith.runs.evaluators import RunEvaluator
from stylesmith.runs.fine_tuning import copy_source_weights
from stylesmith.runs.run_lock import lock_run
from stylesmith.training.estimate import (
    choose_micro_batch,
    micro_batch_note,
    set_micro_batches,
)
from stylesmith.training.log import LiveView, read_log
from stylesmith.training.recorder import Preview, Recorder
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
