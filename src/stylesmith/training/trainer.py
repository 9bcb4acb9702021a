"""The training loop: steps, evaluation, limits, signals, and return to a checkpoint."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

import torch

from stylesmith import distributed
from stylesmith.config import RunConfig
from stylesmith.data.dataset import Dataset
from stylesmith.data.loader import BatchLoader
from stylesmith.devices import is_out_of_memory, release_memory
from stylesmith.errors import DataError, RunError
from stylesmith.formatting import format_command
from stylesmith.latents import RandomKeys
from stylesmith.models import RunFolder
from stylesmith.training.estimate import micro_batch_note, set_micro_batches
from stylesmith.training.loss_passes import Stats
from stylesmith.training.recorder import Evaluator, Recorder, crossed_interval
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState, restore_newest
from stylesmith.training.train_step import TrainStep

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether somebody asked to stop, and with which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = signal.Signals(number)


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Watch for signals; restores the former handlers at the end."""
    request = StopRequest()
    former = {number: signal.signal(number, request) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


MAX_DROPPED_IN_ROW = 5
"""Steps in a row that may fail before the run goes back."""

StopReason = Literal[
    "its length is reached",
    "its time is over",
    "it was asked to stop",
    "its metric no longer improves",
]
"""Why a session ended."""


@dataclass(frozen=True)
class RunLimits:
    """Where a session stops, besides the run's length."""

    minutes: float | None = None
    """Minutes of this session."""
    ignore_length: bool = False
    """Go on although the run's length is reached: somebody asked for more minutes."""


def _out_of_memory_message(run: RunFolder, size: int, *, can_halve: bool) -> str:
    again = ("train", "--resume", str(run.path))
    if can_halve:
        command = format_command(*again, "--set", f"training.micro_batch={size // 2}")
        advice = f"Go on with fewer images at once: {command}"
    else:
        advice = f"Go on where more memory is free: {format_command(*again)}"
    if distributed.world_size() > 1:
        return (
            f"process {distributed.rank()}: out of memory with micro-batches of {size} images. By "
            f"torchrun as before, from the newest checkpoint: {advice}"
        )
    return f"out of memory with micro-batches of {size} images; the state is saved. {advice}"


@dataclass(eq=False)
class Trainer:
    """Trains one run in one or several processes; only the main one has a recorder."""

    config: RunConfig
    state: TrainState
    dataset: Dataset
    run_folder: RunFolder
    recorder: Recorder | None
    evaluator: Evaluator | None = None
    may_shrink: bool = False
    """Whether the micro-batch was chosen by free memory, and may become smaller."""
    held_out: Dataset | None = None
    """Images that are kept from training; the discriminator is judged on them."""

    def __post_init__(self) -> None:
        self.schedule = Schedule(self.config)
        self._prepare()

    def run(self, limits: RunLimits, request: StopRequest) -> StopReason:
        """Train until a limit or a request; everything is saved when it returns.

        Raises:
            RunError: If steps keep failing after the one return to a checkpoint.
        """
        began = time.monotonic()
        reason: StopReason | None = self._stop_reason(limits, began, request)
        while reason is None:
            self._step()
            reason = self._stop_reason(limits, began, request)
        if self.recorder:
            self.recorder.stop(reason)
        self._close_loaders()
        distributed.barrier()
        return reason

    def _step(self) -> None:
        counters, start = self.state.counters, time.monotonic()
        images_before = counters.images_seen
        stats = self._step_or_save()
        counters.seconds += time.monotonic() - start
        if self.recorder:
            phase = self.train_step.phase
            self.recorder.after_step(stats, phase, images_before=images_before)
        if counters.dropped_in_row >= MAX_DROPPED_IN_ROW:
            self._roll_back()
        else:
            self._evaluate(images_before)

    def _evaluate(self, images_before: int) -> None:
        """Measure the average when it is time; all processes take part."""
        phase = self.train_step.phase
        whole = phase.levels_below_top == 0 and phase.growth.fade == 1
        if self.evaluator is None or not whole:
            return
        every = self.config.output.at_level("metrics_kimg", phase.growth.level)
        if crossed_interval(every, images_before, self.state.counters.images_seen):
            scores = self.evaluator.measure(self.state.ema)
            if self.recorder:
                self.recorder.record_scores(scores)

    def _step_or_save(self) -> Stats | None:
        """Make a step; where that cannot be, save the state before it.

        Raises:
            DataError: If an image turns out to be damaged.
            RunError: If memory ran out, and the micro-batch cannot become smaller.
        """
        while True:
            try:
                return self.train_step.step()
            except DataError:
                self._save_before_step()
                raise
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self._shrink_micro_batch()  # here, where the error no longer holds any tensors

    def _save_before_step(self) -> None:
        self.train_step.backup.restore()
        if self.recorder:
            self.recorder.checkpoint()

    def _shrink_micro_batch(self) -> None:
        """Undo a step that ran out of memory, and halve the micro-batch in the configuration.

        So a run that is resumed cuts its batches as this one goes on to. Several processes end:
        the others are within the step, and cannot be asked.

        Raises:
            RunError: If the micro-batch was set by the user, or cannot be halved.
        """
        level = self.train_step.phase.growth.level
        size = self.train_step.phase.layout.micro_batch
        sizes = self.schedule.with_smaller_micro_batch(level)
        if sizes is None or not self.may_shrink or distributed.world_size() > 1:
            self._save_before_step()
            raise RunError(_out_of_memory_message(self.run_folder, size, can_halve=bool(sizes)))
        self.train_step.backup.restore()
        self.config = set_micro_batches(self.config, sizes)
        self.schedule = Schedule(self.config)
        for network in (self.state.generator, self.state.discriminator):
            network.zero_grad()
        release_memory(self.state.device)
        self.train_step.follow(self.schedule)
        if self.recorder:
            self.recorder.config = self.config
            self.run_folder.write_config(self.config)
            self.recorder.notify(
                f"Out of memory: going on with micro-batches of {size // 2} images instead of "
                f"{size}, as config.json says from now on"
            )
            if note := micro_batch_note(self.config, self.schedule):
                self.recorder.notify(note)

    def _roll_back(self) -> None:
        """Return to the newest checkpoint, once.

        Later random numbers differ, or the same steps would fail again.
        """
        failed = self.state.counters
        if failed.rollbacks:
            raise RunError(
                f"{MAX_DROPPED_IN_ROW} steps in a row were not finite, again after going back to a "
                "checkpoint. Lower the learning rates (--set training.generator_lr=0.001 and "
                "training.discriminator_lr=0.001), or use --set training.precision=fp32; the "
                f"checkpoints in {self.run_folder.path} are whole."
            )
        distributed.barrier()  # the main process may still be writing the newest checkpoint
        notify = self.recorder.notify if self.recorder else lambda text: None
        restore_newest(self.run_folder, self.config, self.state, notify=notify)
        self.state.counters.rollbacks = failed.rollbacks + 1
        self.state.counters.dropped = failed.dropped
        self.state.counters.dropped_in_row = 0
        self._close_loaders()
        self._prepare()
        if self.recorder:
            self.recorder.record_rollback()

    def _stop_reason(
        self, limits: RunLimits, began: float, request: StopRequest
    ) -> StopReason | None:
        """The same answer on every process: one of them may have been asked, or be late."""
        long_enough = self.state.counters.images_seen >= self.config.training.kimg * 1000
        if long_enough and not limits.ignore_length:
            return "its length is reached"
        late = limits.minutes is not None and time.monotonic() - began > limits.minutes * 60
        patient = not (self.recorder and self.recorder.is_out_of_patience)
        go_on = torch.tensor(
            [not late, request.signal is None, patient], dtype=torch.uint8, device=self.state.device
        )
        in_time, undisturbed, improves = distributed.all_reduce_min_(go_on).tolist()
        if not undisturbed:
            return "it was asked to stop"
        if not improves:
            return "its metric no longer improves"
        return None if in_time else "its time is over"

    def _prepare(self) -> None:
        """Make loader and training step; with other random numbers after a rollback."""
        config = self.config
        keys = RandomKeys(config.training.seed, branch=self.state.counters.rollbacks)
        mirror = config.data.mirror
        self.loader = BatchLoader(self.dataset, keys=keys, mirror=mirror)
        self.held_out_loader = None
        if self.held_out:
            self.held_out_loader = BatchLoader(self.held_out, keys=keys, mirror=mirror)
        self.train_step = TrainStep(
            config, self.state, self.loader, self.schedule, keys, self.held_out_loader
        )

    def _close_loaders(self) -> None:
        self.loader.close()
        if self.held_out_loader:
            self.held_out_loader.close()
