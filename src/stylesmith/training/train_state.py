"""The state that training carries from step to step: backup within a step, and checkpoints."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stylesmith import distributed
from stylesmith.augment.controller import WINDOW, adjust
from stylesmith.callbacks import Notify
from stylesmith.config import RunConfig, TrainingConfig
from stylesmith.config.augment import StrengthConfig
from stylesmith.devices import choose_precision, dtype_name, has_fused_adam, numeric_environment
from stylesmith.errors import ModelError
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.serialization import copy_tensors, generator_header
from stylesmith.networks import Discriminator, Generator, build_discriminator, build_generator
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from stylesmith.training.log import read_log


@dataclass
class Counters:
    """Counters, all of them saved."""

    images_seen: int = 0
    """Real images shown to the discriminator; drives every schedule."""
    steps: int = 0
    """Steps of the optimizers; drives lazy intervals and random keys."""
    dropped: int = 0
    """Steps whose gradients were not finite."""
    dropped_in_row: int = 0
    """How many of them came one after the other."""
    rollbacks: int = 0
    """Times the run went back to a checkpoint; a branch of the random keys."""
    schedule_read: int = 0
    """Images that had been seen when the schedule was last read."""
    seconds: float = 0.0
    """Training time over all sessions."""


@dataclass(frozen=True)
class TrainingQuantity:
    """A tensor that training carries from step to step, such as a running mean or a probability.

    `training_quantities` lists all of them; nothing else needs to know one. What is listed is saved
    in checkpoints and restored from them, set back with a step that is dropped, and logged.

    A quantity moves after every update of a network whose passes measured its stat. By then the
    stat is the mean over micro-batches and processes, so the quantity is equal on all processes.
    """

    name: str
    """Its name in `TrainState.quantities`, in checkpoints and in the log."""
    stat: str
    """Name of the stat that moves it (see `loss_passes.Stats`)."""
    update: Callable[["TrainState", Tensor], object]
    """Moves it, given the state and the stat. The tensor changes in place, because backups hold it;
    reading it on the host would make every step wait for the device."""
    initial: float | tuple[float, ...] | None = 0.0
    """Value in a new run, and after a checkpoint that was written before the quantity was known.
    None where the tensor is a buffer of a network, which is saved with that network."""
    logged: bool = True
    """Whether progress records hold it, as one number; those that are buffers never do."""
    log_stat: bool = False
    """Whether they also hold the mean of its stat."""


def training_quantities(config: RunConfig) -> tuple[TrainingQuantity, ...]:
    """All quantities, in the order in which they move.

    They are the same for all settings: a run may be resumed with others.
    """
    w_decay, path_decay = config.generator.mapping.w_avg_beta, config.training.path_decay
    strength, augmented = config.training.strength, config.training.augment is not None
    return (
        TrainingQuantity(
            "w_avg",
            stat="w",
            update=lambda state, w: state.generator.mapping.w_avg.lerp_(w, 1 - w_decay),
            initial=None,
        ),
        TrainingQuantity(
            "path_mean",
            stat="path_length",
            update=lambda state, length: state.quantities["path_mean"].lerp_(length, path_decay),
        ),
        TrainingQuantity(
            "augment_window",
            stat="score_sums",
            update=lambda state, sums: state.quantities["augment_window"].add_(sums),
            initial=(0.0,) * len(WINDOW),
            logged=False,
        ),
        TrainingQuantity(
            "augment_p",
            stat="window_images",
            update=lambda state, images: _end_window(state.quantities, strength, images),
            initial=strength.initial,
            logged=augmented,
        ),
    )


def _end_window(quantities: dict[str, Tensor], settings: StrengthConfig, images: Tensor) -> None:
    """Adjust the strength of augmentation by the scores of its window, and empty that."""
    strength, window = quantities["augment_p"], quantities["augment_window"]
    strength.copy_(adjust(settings, strength, window, images=images))
    window.zero_()


@dataclass
class TrainState:
    """Networks, optimizers, quantities and counters."""

    generator: Generator
    discriminator: Discriminator
    ema: Generator
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    declared: tuple[TrainingQuantity, ...]
    quantities: dict[str, Tensor]
    """Tensors of the declared quantities by name, except for buffers of networks."""
    counters: Counters = field(default_factory=Counters)

    @classmethod
    def create(cls, config: RunConfig, device: torch.device) -> "TrainState":
        """A fresh start; the same seed gives the same weights on every device and process."""
        seed, training, top = config.training.seed, config.training, config.generator.levels - 1
        generator = build_generator(config.generator, seed=seed).to(device)
        discriminator = build_discriminator(config.discriminator, seed=seed + 1).to(device)
        declared = training_quantities(config)
        return cls(
            generator=generator,
            discriminator=discriminator,
            ema=build_generator(config.generator, seed=seed).to(device).requires_grad_(False),
            generator_optimizer=lazy_adam(
                generator,
                training,
                lr=training.at_level("generator_lr", top),
                interval=training.penalty_interval("generator"),
            ),
            discriminator_optimizer=lazy_adam(
                discriminator,
                training,
                lr=training.at_level("discriminator_lr", top),
                interval=training.penalty_interval("discriminator"),
            ),
            declared=declared,
            quantities=_initial_quantities(declared, device),
        )

    @property
    def device(self) -> torch.device:
        """Where all tensors are."""
        return self.generator.mapping.w_avg.device

    def set_learning_rates(self, generator_lr: float, discriminator_lr: float) -> None:
        """Set both learning rates, before the correction for lazy regularization."""
        (generator_group,) = self.generator_optimizer.param_groups
        (discriminator_group,) = self.discriminator_optimizer.param_groups
        generator_group["lr"] = generator_lr * generator_group["lazy_factor"]
        discriminator_group["lr"] = discriminator_lr * discriminator_group["lazy_factor"]

    def reset_optimizers(self) -> None:
        """Forget all moments, as when a level enters (ProGAN's published behavior)."""
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for moments in optimizer.state.values():
                for tensor in moments.values():
                    tensor.zero_()

    def update_quantities(self, stats: dict[str, Tensor]) -> dict[str, Tensor]:
        """Move the quantities whose stats were measured; returns the stats that are logged."""
        for quantity in self.declared:
            if quantity.stat in stats:
                quantity.update(self, stats[quantity.stat])
        hidden = {quantity.stat for quantity in self.declared if not quantity.log_stat}
        return {name: value for name, value in stats.items() if name not in hidden}

    def logged_quantities(self) -> dict[str, float]:
        """Present values of the quantities that are logged."""
        logged = {quantity.name for quantity in self.declared if quantity.logged}
        return {name: float(value) for name, value in self.quantities.items() if name in logged}

    def step_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """What a training step changes before it is known to be finite: all but the average."""
        networks = (
            ("generator", self.generator, self.generator_optimizer),
            ("discriminator", self.discriminator, self.discriminator_optimizer),
        )
        for name, network, optimizer in networks:
            yield from add_prefix(name, network.state_dict(keep_vars=True))
            for key, parameter in network.named_parameters():
                moments = optimizer.state[parameter]
                yield from add_prefix(f"{name}_optimizer.{key}", moments)
        yield from self.quantities.items()

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name; with the counters, the whole state."""
        return dict(self.step_tensors()) | dict(add_prefix("ema", self.ema.state_dict()))


def _initial_quantities(
    declared: Iterable[TrainingQuantity], device: torch.device
) -> dict[str, Tensor]:
    return {
        quantity.name: torch.tensor(quantity.initial, device=device)
        for quantity in declared
        if quantity.initial is not None
    }


def lazy_adam(
    network: nn.Module, config: TrainingConfig, *, lr: float, interval: int | None
) -> torch.optim.Adam:
    """Adam corrected for a regularization that takes its own step every `interval` steps.

    With k + 1 updates in place of k, learning rate and decays become lr * c and beta ** c, where
    c = k / (k + 1) (StyleGAN2, appendix B). A penalty of every step shares the step of the loss,
    and nothing changes. All moments exist from the start, so that they can be saved.
    """
    c = 1.0 if interval is None or interval == 1 else interval / (interval + 1)
    parameters = list(network.parameters())
    device = parameters[0].device
    optimizer = torch.optim.Adam(
        [{"params": parameters, "lazy_factor": c}],
        lr=lr * c,
        betas=(config.beta1**c if config.beta1 else 0.0, config.beta2**c),
        eps=1e-8,
        fused=has_fused_adam(device),
    )
    for parameter in parameters:
        optimizer.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def add_prefix(prefix: str, tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The same tensors under longer names."""
    for name, tensor in tensors.items():
        yield f"{prefix}.{name}", tensor


class StateBackup:
    """A copy of all that a step moves, taken before it and put back if it was not finite.

    A step has up to four passes that each move weights; whether all were finite is known, and
    agreed on by all processes, only at its end.
    """

    def __init__(self, state: TrainState):
        self.live = [tensor.detach() for _, tensor in state.step_tensors()]
        self.kept = [torch.empty_like(tensor) for tensor in self.live]

    def save(self) -> None:
        """Remember the present values."""
        torch._foreach_copy_(self.kept, self.live)

    def restore(self) -> None:
        """Put the remembered values back."""
        torch._foreach_copy_(self.live, self.kept)


def save_checkpoint(run: RunFolder, config: RunConfig, state: TrainState) -> None:
    """Write the state, then remove all but the newest `keep_checkpoints` files.

    Files beyond this state go too: they are damaged, and the run went back from them.

    Raises:
        OutputError: If the file cannot be written; earlier checkpoints stay.
    """
    header = {
        "config": config.model_dump(mode="json"),
        **generator_header(state.ema),
        "clocks": asdict(state.counters),
        "arithmetic": _arithmetic_identity(config, state),
    }
    path = run.checkpoint(state.counters.images_seen)
    write_tensor_file(path, state.tensors(), header, kind="checkpoint")
    present = run.checkpoints()
    index = present.index(path)
    for other in present[:index] + present[index + config.output.keep_checkpoints :]:
        other.unlink(missing_ok=True)


def restore_newest(run: RunFolder, config: RunConfig, state: TrainState, *, notify: Notify) -> None:
    """Bring `state` back to the newest checkpoint that is whole.

    A run that was killed before it could write its first one is left at its fresh start.

    `notify` gets a line for every damaged file that was passed over, and for a machine or version
    on which the continuation cannot be exact to the bit.

    Raises:
        ModelError: If there is no whole checkpoint, or it belongs to another network.
    """
    checkpoints = run.checkpoints()
    for path in checkpoints:
        try:
            tensors, header = read_tensor_file(path, kind="checkpoint")
            saved, counters, arithmetic = _parse_header(header, path)
            _check_finite_weights(tensors, path)
        except ModelError as error:
            notify(f"{error} Going back to the checkpoint before it.")
            continue
        _check_same_networks(config, saved, str(path))
        tensors = _initial_quantities(state.declared, state.device) | tensors
        copy_tensors(state.tensors(), tensors, source=str(path))
        state.counters = counters
        for name, now in _arithmetic_identity(config, state).items():
            then = arithmetic.get(name, "unknown")
            if then != now:
                notify(f"{name} was {then} and is {now}: resume is correct, not exact to the bit.")
        return
    if not checkpoints and _has_no_progress(run):
        notify(f"{run.path}: was stopped before its first checkpoint, so it starts from there.")
        return
    found = "none of its checkpoints is whole" if checkpoints else "it has no checkpoints"
    raise ModelError(f"{run.path}: cannot be resumed, {found}. Start a new run.")


def _parse_header(
    header: dict[str, Any], path: Path
) -> tuple[dict[str, Any], Counters, dict[str, Any]]:
    """Settings, counters and what exactness depends on.

    Raises:
        ModelError: If one of them is missing or not of its type.
    """
    try:
        saved, counters = dict(header["config"]), Counters(**header["clocks"])
        for part in ("generator", "discriminator"):
            saved[part] = dict(saved[part])
        for counter in fields(Counters):
            value = getattr(counters, counter.name)
            if type(value) not in (type(counter.default), int) or not 0 <= value < 1 << 60:
                raise ValueError(f"{counter.name} {value!r}")
        return saved, counters, dict(header["arithmetic"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged (its header: {error}).") from None


def _check_finite_weights(tensors: dict[str, Tensor], path: Path) -> None:
    """Refuse weights that a run never saves, since it undoes steps that are not finite.

    Moments of optimizers are left out: squares of finite gradients may be infinite.
    """
    for name, tensor in tensors.items():
        is_weight = name.startswith(("ema.", "generator.", "discriminator."))
        if is_weight and not tensor.isfinite().all():
            raise ModelError(f"{path}: damaged ({name} holds numbers that are not finite).")


def _arithmetic_identity(config: RunConfig, state: TrainState) -> dict[str, str]:
    """What an exact continuation depends on."""
    precision = choose_precision(config.training.precision, state.device)
    return numeric_environment() | {
        "device": state.device.type,
        "precision": dtype_name(precision),
        "processes": str(distributed.world_size()),
    }


def _has_no_progress(run: RunFolder) -> bool:
    return not run.log.exists() or all(r["event"] == "start" for r in read_log(run.log))


def _check_same_networks(config: RunConfig, saved: dict[str, Any], source: str) -> None:
    for part in ("generator", "discriminator"):
        present = getattr(config, part)
        defaults = type(present)().model_dump(mode="json")  # of fields that older files lack
        if present.model_dump(mode="json") != defaults | saved[part]:
            raise ModelError(
                f"{source}: holds another {part} than config.json describes. A run is resumed with "
                "the networks it was started with; start a new run for others."
            )
