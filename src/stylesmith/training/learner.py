"""One training step: four passes, each averaged over micro-batches and processes.

Source: StyleGAN2, section 3 and appendix B; the order of the passes is that of the published code.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from stylesmith import distributed, images
from stylesmith.config import RunConfig
from stylesmith.data.loader import BatchLoader
from stylesmith.devices import choose_precision
from stylesmith.latents import RandomKeys
from stylesmith.training import steps
from stylesmith.training.draws import Draw, draw_latents
from stylesmith.training.ema import ema_decay, update_ema
from stylesmith.training.layout import BatchLayout
from stylesmith.training.state import TrainState
from stylesmith.training.steps import Stats
from stylesmith.training.undo import Undo

Pass = Callable[[range], tuple[Tensor, Stats]]
"""From indices in the global batch, one micro-batch of them, to a loss and stats."""


class Learner:
    """Moves a `TrainState` by one step at a time."""

    def __init__(
        self,
        config: RunConfig,
        state: TrainState,
        loader: BatchLoader,
        layout: BatchLayout,
        keys: RandomKeys,
    ):
        self.config, self.state, self.loader, self.keys = config, state, loader, keys
        self.shares = layout.shares()
        self.device = state.path_mean.device
        precision = choose_precision(config.training.precision, self.device)
        self.players = steps.Players(state.generator, state.discriminator, precision)
        self.undo = Undo(state)
        self.finite = torch.ones((), dtype=torch.bool, device=self.device)

    def step(self) -> Stats | None:
        """Make one step; returns its stats, or None if it was not finite and has been undone.

        Either way both clocks advance, and the step has used up its data and random numbers.
        """
        self.undo.keep()
        self.finite.fill_(True)
        moves = [self._move_generator, self._move_discriminator]
        if self.config.training.order == "discriminator_first":
            moves.reverse()
        stats = moves[0]() | moves[1]()
        finite = bool(self.finite)  # the one wait for the device in a step
        if finite:
            self._update_ema()
        else:
            self.undo.restore()
        self._advance(dropped=not finite)
        return stats if finite else None

    def _move_generator(self) -> Stats:
        training, state = self.config.training, self.state
        stats = self._optimize("generator", self._generator_pass)
        w_avg = state.generator.mapping.w_avg
        w_avg.lerp_(stats.pop("w"), 1 - self.config.generator.mapping.w_avg_beta)
        if training.path_weight and state.clocks.steps % training.path_interval == 0:
            stats |= self._optimize("generator", self._path_pass)
            state.path_mean.lerp_(stats.pop("path_length"), training.path_decay)
        return stats

    def _move_discriminator(self) -> Stats:
        training = self.config.training
        batches = self._take_reals()
        stats = self._optimize(
            "discriminator", lambda share: self._discriminator_pass(share, batches[share])
        )
        if training.r1_gamma and self.state.clocks.steps % training.r1_interval == 0:
            stats |= self._optimize(
                "discriminator",
                lambda share: steps.r1_pass(self.players, *batches[share], training),
            )
        return stats

    def _optimize(self, name: str, micro_pass: Pass) -> Stats:
        """Move one network by its mean gradient over all micro-batches and processes.

        A parameter that a pass does not reach gets a zero gradient, so that all of Adam's moments
        decay alike.
        """
        for other in ("generator", "discriminator"):
            getattr(self.state, other).requires_grad_(other == name)
        optimizer = getattr(self.state, f"{name}_optimizer")
        optimizer.zero_grad()
        totals: Stats = {}
        for share in self.shares:
            loss, stats = micro_pass(share)
            (loss / len(self.shares)).backward()
            for key, value in stats.items():
                totals[key] = totals.get(key, 0) + value / len(self.shares)
        gradients = [_gradient(p) for p in getattr(self.state, name).parameters()]
        distributed.average_([*gradients, *totals.values()])
        checked = [*gradients, *totals.values()]
        norm = torch.nn.utils.get_total_norm(checked)  # of squares, which Adam keeps
        self.finite &= torch.isfinite(norm)
        optimizer.step()
        return totals

    def _generator_pass(self, share: range) -> tuple[Tensor, Stats]:
        return steps.generator_pass(self.players, self._draw("generator", share))

    def _path_pass(self, share: range) -> tuple[Tensor, Stats]:
        training, config = self.config.training, self.config.generator
        share = share[: max(1, len(share) // training.path_batch_shrink)]
        shape = (config.image_channels, *config.size())
        rows = [self._normal(shape, "path directions", i) for i in share]
        draw = self._draw("path", share)
        target = self.state.path_mean
        return steps.path_pass(self.players, draw, torch.stack(rows), target, training)

    def _discriminator_pass(
        self, share: range, batch: tuple[Tensor, Tensor | None]
    ) -> tuple[Tensor, Stats]:
        draw = self._draw("discriminator", share)
        return steps.discriminator_pass(self.players, *batch, draw)

    def _draw(self, purpose: str, share: range) -> Draw:
        """Latents, noise and labels of generated images; labels are distributed as in the data."""
        step, label = self.state.clocks.steps, None
        if self.config.generator.label_size:
            numbers = [self.keys.number(f"{purpose} label", step, i) for i in share]
            label = self.loader.random_labels(numbers)
        return draw_latents(
            self.config.generator,
            self.keys,
            purpose,
            step,
            share,
            mixing=self.config.training.style_mixing,
            label=label,
            device=self.device,
        )

    def _normal(self, shape: tuple[int, ...], purpose: str, index: int) -> Tensor:
        size = torch.Size(shape).numel()
        step = self.state.clocks.steps
        return self.keys.normal(size, purpose, step, index, device=self.device).reshape(shape)

    def _take_reals(self) -> dict[range, tuple[Tensor, Tensor | None]]:
        """Real images in -1..1 and labels of each micro-batch; the next step's are prefetched."""
        start, size = self.state.clocks.images_seen, self.config.training.batch_size
        positions = [start + index for share in self.shares for index in share]
        batch = self.loader.take(positions, [position + size for position in positions])
        count = len(self.shares[0])
        reals = images.from_uint8(batch.images.to(self.device, non_blocking=True)).split(count)
        labels = batch.labels.to(self.device).split(count)
        conditional = bool(self.config.discriminator.label_size)
        return {
            share: (reals[i], labels[i] if conditional else None)
            for i, share in enumerate(self.shares)
        }

    def _update_ema(self) -> None:
        training, state = self.config.training, self.state
        decay = ema_decay(
            training.batch_size,
            half_life_kimg=training.ema_kimg,
            images_seen=state.clocks.images_seen,
            rampup=training.ema_rampup,
        )
        update_ema(state.ema, state.generator, decay)

    def _advance(self, *, dropped: bool) -> None:
        clocks = self.state.clocks
        clocks.images_seen += self.config.training.batch_size
        clocks.steps += 1
        clocks.dropped += dropped
        clocks.dropped_in_row = clocks.dropped_in_row + 1 if dropped else 0


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
