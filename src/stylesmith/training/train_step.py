"""One training step: passes over micro-batches and processes, updates, and the moving average.

Source: StyleGAN2, section 3 and appendix B; ProGAN, section 4.2 (moving average). The order of
passes is that of the published code.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from stylesmith import distributed, images
from stylesmith.config import RunConfig
from stylesmith.config.training import NetworkName
from stylesmith.data.loader import BatchLoader
from stylesmith.devices import choose_precision
from stylesmith.latents import RandomKeys
from stylesmith.training import loss_passes
from stylesmith.training.augmenter import Augmenter, AugmentImages
from stylesmith.training.loss_passes import LatentBatch, Stats, make_latent_batch
from stylesmith.training.schedule import Phase, Schedule
from stylesmith.training.train_state import StateBackup, TrainState


def ema_decay(
    batch_size: int, *, half_life_kimg: float, images_seen: int, rampup: float | None
) -> float:
    """Decay for one step, such that weights count half as much after `half_life_kimg`.

    With `rampup` the half-life is at most that fraction of the images seen, so that the random
    start is soon forgotten; the very first step copies.
    """
    half_life = half_life_kimg * 1000
    if rampup is not None:
        half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch_size / half_life) if half_life > 0 else 0.0


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `average` towards `network`; buffers such as w_avg are copied outright."""
    # Many tensors at once: on a GPU each operation costs its launch, however small it is.
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)


LossPass = Callable[[range], tuple[Tensor, Stats]]
"""From indices in the global batch, one micro-batch of them, to a loss and stats."""

RealBatches = dict[range, tuple[Tensor, Tensor | None]]
"""Real images in -1..1 and labels of each micro-batch."""


@dataclass(eq=False)
class TrainStep:
    """Moves a `TrainState` by one step at a time."""

    config: RunConfig
    state: TrainState
    loader: BatchLoader
    schedule: Schedule
    keys: RandomKeys
    held_out: BatchLoader | None = None
    """Images that are kept from training, on which the discriminator is judged."""
    phase: Phase = field(init=False)
    """What is in force since the schedule was last read."""
    networks: loss_passes.Networks = field(init=False)
    augmenter: Augmenter = field(init=False)

    def __post_init__(self) -> None:
        self.device = self.state.device
        self.precision = choose_precision(self.config.training.precision, self.device)
        strength = self.config.training.strength
        if strength.signal == "fixed":  # whatever it was in a session before
            self.state.quantities["augment_p"].fill_(strength.initial)
        freeze_d = self.config.training.freeze_d
        self.frozen = self.state.discriminator.image_layers()[:freeze_d] if freeze_d else []
        self.backup = StateBackup(self.state)
        self.all_finite = torch.ones((), dtype=torch.bool, device=self.device)
        self._apply_phase(self.schedule.at(self.state.counters.schedule_read))

    def step(self) -> Stats | None:
        """Make one step; returns its stats, or None if it was not finite and has been undone.

        Either way both counters advance, and the step has used up its data and random numbers.
        """
        self._read_schedule()
        self.backup.save()
        self.all_finite.fill_(True)
        moves = [self._update_generator, self._update_discriminator]
        if self.config.training.order == "discriminator_first":
            moves.reverse()
        stats = moves[0]() | moves[1]() | self._judge()
        self._adjust_strength()
        finite = bool(self.all_finite)  # the one wait for the device in a step
        if finite:
            self._update_ema()
        else:
            self.backup.restore()
        self._advance_counters(dropped=not finite)
        return stats if finite else None

    def follow(self, schedule: Schedule) -> None:
        """Go on by a schedule that cuts the same batches otherwise."""
        self.schedule = schedule
        self._apply_phase(schedule.at(self.state.counters.schedule_read))

    def _read_schedule(self) -> None:
        """Follow the schedule, every few steps; Adam starts anew where other levels learn.

        Levels that are not in use get no gradient. They and their average stay as they were built,
        equal, until they enter.
        """
        counters = self.state.counters
        if counters.steps % self.schedule.repeats:
            return
        phase = self.schedule.at(counters.images_seen)
        if not phase.same_levels(self.schedule.at(counters.schedule_read)):
            self.state.reset_optimizers()
        counters.schedule_read = counters.images_seen
        self._apply_phase(phase)

    def _apply_phase(self, phase: Phase) -> None:
        state = self.state
        self.phase, self.micro_batches = phase, phase.layout.micro_batches()
        self.networks = loss_passes.Networks(
            state.generator,
            state.discriminator,
            self.precision,
            growth=phase.growth,
            penalty_scale=phase.penalty_scale,
        )
        self.augmenter = Augmenter.at_level(
            self.config, phase.growth.level, self.keys, state.quantities["augment_p"]
        )
        state.ema.growth = phase.growth
        state.set_learning_rates(phase.generator_lr, phase.discriminator_lr)

    def _update_generator(self) -> Stats:
        return self._update("generator", self._generator_pass, self._path_pass)

    def _update_discriminator(self) -> Stats:
        training, batches = self.config.training, self._take_reals()
        return self._update(
            "discriminator",
            lambda indices: self._discriminator_pass(indices, batches[indices]),
            lambda indices: loss_passes.r1_pass(
                self.networks, *batches[indices], training, augment=self._augment("r1", indices)
            ),
        )

    def _update(self, name: NetworkName, main: LossPass, penalty: LossPass) -> Stats:
        """Move a network by its loss, and every few steps by its penalty.

        A penalty of every step is added to the loss.
        """
        interval = self.config.training.penalty_interval(name)
        if interval == 1:
            return self._optimize(name, [main, penalty])
        stats = self._optimize(name, [main])
        due = interval is not None and self.state.counters.steps % interval == 0
        return stats | self._optimize(name, [penalty]) if due else stats

    def _optimize(self, name: str, passes: Sequence[LossPass]) -> Stats:
        """Move one network by its mean gradient over all micro-batches and processes.

        The gradients of several passes are added. A parameter that no pass reaches gets a zero
        gradient, so that all of Adam's moments decay alike.
        """
        for other in ("generator", "discriminator"):
            getattr(self.state, other).requires_grad_(other == name)
        for layer in self.frozen:  # with no gradient and no moments Adam leaves them as they are
            layer.requires_grad_(False)
        optimizer = getattr(self.state, f"{name}_optimizer")
        optimizer.zero_grad()
        totals: Stats = {}
        for indices in self.micro_batches:
            for compute in passes:
                loss, stats = compute(indices)
                (loss / len(self.micro_batches)).backward()
                for key, value in stats.items():
                    totals[key] = totals.get(key, 0) + value / len(self.micro_batches)
        checked = [_gradient_or_zeros(p) for p in getattr(self.state, name).parameters()]
        checked += totals.values()
        distributed.all_reduce_mean_(checked)
        norm = torch.nn.utils.get_total_norm(checked)  # of squares, which Adam keeps
        self.all_finite &= torch.isfinite(norm)
        optimizer.step()
        return self.state.update_quantities(totals)

    @torch.no_grad()
    def _judge(self) -> Stats:
        """Score a batch of held-out images every few steps, as the discriminator now is."""
        if self.held_out is None or not self._ends_window:
            return {}
        window = self.state.counters.steps // self.config.training.strength.interval
        batches = self._take_images(self.held_out, window * self.phase.batch_size)
        parts = [
            loss_passes.held_out_pass(self.networks, *batch, self._augment("held-out", indices))
            for indices, batch in batches.items()
        ]
        means = {name: torch.stack([part[name] for part in parts]).mean(0) for name in parts[0]}
        distributed.all_reduce_mean_(list(means.values()))
        return self.state.update_quantities(means)

    def _adjust_strength(self) -> None:
        """Adjust the strength of augmentation by the scores of a window, at its end."""
        if self._ends_window:
            images = self.phase.batch_size * self.config.training.strength.interval
            shown = torch.full((), float(images), device=self.device)
            self.state.update_quantities({"window_images": shown})

    @property
    def _ends_window(self) -> bool:
        return (self.state.counters.steps + 1) % self.config.training.strength.interval == 0

    def _augment(self, purpose: str, indices: range) -> AugmentImages:
        return self.augmenter.images(purpose, self.state.counters.steps, indices)

    def _generator_pass(self, indices: range) -> tuple[Tensor, Stats]:
        latents = self._latent_batch("generator", indices)
        return loss_passes.generator_pass(
            self.networks,
            latents,
            loss=self.config.training.loss,
            augment=self._augment("generator", indices),
        )

    def _path_pass(self, indices: range) -> tuple[Tensor, Stats]:
        training, config = self.config.training, self.config.generator
        indices = indices[: max(1, len(indices) // training.path_batch_shrink)]
        shape = (config.image_channels, *config.size(self.phase.growth.level))
        step, size = self.state.counters.steps, math.prod(shape)
        rows = [
            self.keys.normal(size, "path directions", step, i, device=self.device) for i in indices
        ]
        directions = torch.stack(rows).unflatten(1, shape)
        latents = self._latent_batch("path", indices)
        mean_length = self.state.quantities["path_mean"]
        return loss_passes.path_pass(self.networks, latents, directions, mean_length, training)

    def _discriminator_pass(
        self, indices: range, batch: tuple[Tensor, Tensor | None]
    ) -> tuple[Tensor, Stats]:
        training, step = self.config.training, self.state.counters.steps
        latents = self._latent_batch("discriminator", indices)
        reals, fakes = self._augment("reals", indices), self._augment("fakes", indices)
        if training.loss == "logistic":
            return loss_passes.discriminator_pass(
                self.networks, *batch, latents, augment_reals=reals, augment_fakes=fakes
            )
        numbers = [self.keys.uniform("wgan", step, i) for i in indices]
        t = torch.tensor(numbers, dtype=torch.float32, device=self.device)
        return loss_passes.wgan_pass(
            self.networks, *batch, latents, t, training, augment_reals=reals, augment_fakes=fakes
        )

    def _latent_batch(self, purpose: str, indices: range) -> LatentBatch:
        """Latents, noise and labels of generated images; labels are distributed as in the data."""
        step, label = self.state.counters.steps, None
        if self.config.generator.label_size:
            numbers = [self.keys.number(f"{purpose} label", step, i) for i in indices]
            label = self.loader.random_labels(numbers)
        return make_latent_batch(
            self.config.generator,
            self.keys,
            purpose,
            step,
            indices,
            level=self.phase.growth.level,
            mixing_probability=self.config.training.style_mixing,
            label=label,
            device=self.device,
        )

    def _take_reals(self) -> RealBatches:
        """The real images of this step; the next step's are prefetched."""
        return self._take_images(self.loader, self.state.counters.images_seen)

    def _take_images(self, loader: BatchLoader, start: int) -> RealBatches:
        """A batch from a position on; the batch after it is prefetched."""
        size = self.phase.batch_size
        positions = [start + index for indices in self.micro_batches for index in indices]
        batch = loader.load_batch(positions, [position + size for position in positions])
        count = len(self.micro_batches[0])
        reals = images.from_uint8(batch.images.to(self.device, non_blocking=True)).split(count)
        labels = batch.labels.to(self.device).split(count)
        conditional = bool(self.config.discriminator.label_size)
        return {
            indices: (reals[i], labels[i] if conditional else None)
            for i, indices in enumerate(self.micro_batches)
        }

    def _update_ema(self) -> None:
        training, state = self.config.training, self.state
        decay = ema_decay(
            self.phase.batch_size,
            half_life_kimg=training.ema_kimg,
            images_seen=state.counters.images_seen,
            rampup=training.ema_rampup,
        )
        update_ema(state.ema, state.generator, decay)

    def _advance_counters(self, *, dropped: bool) -> None:
        counters = self.state.counters
        counters.images_seen += self.phase.batch_size
        counters.steps += 1
        counters.dropped += dropped
        counters.dropped_in_row = counters.dropped_in_row + 1 if dropped else 0


def _gradient_or_zeros(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
