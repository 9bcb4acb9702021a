"""Checkpoints: the exact state of a run, in one file that is whole or absent."""

from collections.abc import Callable
from dataclasses import asdict

from stylesmith import distributed
from stylesmith.config import RunConfig
from stylesmith.devices import choose_precision, dtype_name, numeric_environment
from stylesmith.errors import ModelError
from stylesmith.models.container import read_tensor_file, write_tensor_file
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.store import copy_tensors, growth_header
from stylesmith.training.log import read_log
from stylesmith.training.state import Counters, TrainState


def save_checkpoint(run: RunFolder, config: RunConfig, state: TrainState) -> None:
    """Write the state, then remove all but the newest `keep_checkpoints` files.

    Files beyond this state go too: they are damaged, and the run went back from them.

    Raises:
        OutputError: If the file cannot be written; earlier checkpoints stay.
    """
    header = {
        "config": config.model_dump(mode="json"),
        "generator": config.generator.model_dump(mode="json"),
        "growth": growth_header(state.ema),
        "clocks": asdict(state.counters),
        "arithmetic": _arithmetic_identity(config, state),
    }
    path = run.checkpoint(state.counters.images_seen)
    write_tensor_file(path, state.tensors(), header, kind="checkpoint")
    present = run.checkpoints()
    place = present.index(path)
    for other in present[:place] + present[place + config.output.keep_checkpoints :]:
        other.unlink(missing_ok=True)


def restore_newest(
    run: RunFolder, config: RunConfig, state: TrainState, *, notify: Callable[[str], None]
) -> None:
    """Bring `state` back to the newest checkpoint that is whole.

    A run that was killed before it could write its first one is left at its fresh start.

    `say` hears of every damaged file that was passed over, and of a machine or version on which
    the continuation cannot be exact to the bit.

    Raises:
        ModelError: If there is no whole checkpoint, or it belongs to another network.
    """
    checkpoints = run.checkpoints()
    for path in checkpoints:
        try:
            tensors, header = read_tensor_file(path, kind="checkpoint")
        except ModelError as error:
            notify(f"{error} Going back to the checkpoint before it.")
            continue
        _check_same_networks(config, header["config"], str(path))
        copy_tensors(state.tensors(), tensors, source=str(path))
        state.counters = Counters(**header["clocks"])
        for name, now in _arithmetic_identity(config, state).items():
            then = header["arithmetic"][name]
            if then != now:
                notify(f"{name} was {then} and is {now}: resume is correct, not exact to the bit.")
        return
    if not checkpoints and _has_no_progress(run):
        notify(f"{run.path}: was stopped before its first checkpoint, so it starts from there.")
        return
    found = "none of its checkpoints is whole" if checkpoints else "it has no checkpoints"
    raise ModelError(f"{run.path}: cannot be resumed, {found}. Start a new run.")


def _arithmetic_identity(config: RunConfig, state: TrainState) -> dict[str, str]:
    """What an exact continuation depends on."""
    device = state.path_mean.device
    precision = choose_precision(config.training.precision, device)
    return numeric_environment() | {
        "device": device.type,
        "precision": dtype_name(precision),
        "processes": str(distributed.world_size()),
    }


def _has_no_progress(run: RunFolder) -> bool:
    return not run.log.exists() or all(r["event"] == "start" for r in read_log(run.log))


def _check_same_networks(config: RunConfig, saved: dict[str, object], source: str) -> None:
    present = config.model_dump(mode="json")
    for part in ("generator", "discriminator"):
        if present[part] != saved[part]:
            raise ModelError(
                f"{source}: holds another {part} than config.json describes. A run is resumed with "
                "the networks it was started with; start a new run for others."
            )
