"""Checkpoints: the exact state of a run, in one file that is whole or absent."""

from collections.abc import Callable
from dataclasses import asdict

from stylesmith.config import RunConfig
from stylesmith.devices import arithmetic_identity
from stylesmith.errors import ModelError
from stylesmith.models.container import read_container, write_container
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.store import fill_tensors
from stylesmith.training.state import Clocks, TrainState


def save_checkpoint(run: RunFolder, config: RunConfig, state: TrainState) -> None:
    """Write the state, then remove all but the newest `keep_checkpoints` files.

    Raises:
        OutputError: If the file cannot be written; earlier checkpoints stay.
    """
    header = {
        "config": config.model_dump(mode="json"),
        "generator": config.generator.model_dump(mode="json"),
        "clocks": asdict(state.clocks),
        "arithmetic": arithmetic_identity(),
    }
    path = run.checkpoint(state.clocks.images_seen)
    write_container(path, state.tensors(), header, kind="checkpoint")
    for old in run.checkpoints()[config.output.keep_checkpoints :]:
        old.unlink(missing_ok=True)


def restore_newest(
    run: RunFolder, config: RunConfig, state: TrainState, *, say: Callable[[str], None]
) -> None:
    """Bring `state` back to the newest checkpoint that is whole.

    `say` hears of every damaged file that was passed over, and of a machine or version on which
    the continuation cannot be exact to the bit.

    Raises:
        ModelError: If there is no whole checkpoint, or it belongs to another network.
    """
    checkpoints = run.checkpoints()
    for path in checkpoints:
        try:
            tensors, header = read_container(path)
        except ModelError as error:
            say(f"{error} Going back to the checkpoint before it.")
            continue
        _check_same_networks(config, header["config"], str(path))
        fill_tensors(state.tensors(), tensors, source=str(path))
        state.clocks = Clocks(**header["clocks"])
        for name, value in arithmetic_identity().items():
            if header["arithmetic"][name] != value:
                then = header["arithmetic"][name]
                say(f"{name} was {then} and is {value}: resume is correct, not exact to the bit.")
        return
    found = "none of its checkpoints is whole" if checkpoints else "it has no checkpoints"
    raise ModelError(f"{run.path}: cannot be resumed, {found}. Start a new run.")


def _check_same_networks(config: RunConfig, saved: dict[str, object], source: str) -> None:
    present = config.model_dump(mode="json")
    for part in ("generator", "discriminator"):
        if present[part] != saved[part]:
            raise ModelError(
                f"{source}: holds another {part} than config.json describes. A run is resumed with "
                "the networks it was started with; start a new run for others."
            )
