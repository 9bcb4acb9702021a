"""Files that a run writes while it trains: log, sample grids, checkpoints, scores, models."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images
from stylesmith.config import RunConfig
from stylesmith.config.run import OutputInterval
from stylesmith.data.dataset import Dataset
from stylesmith.data.loader import Sampler
from stylesmith.devices import peak_memory, seconds_without_core
from stylesmith.latents import RandomKeys
from stylesmith.models import RunFolder, save_model
from stylesmith.models.model_card import training_card
from stylesmith.models.serialization import save_weights
from stylesmith.networks import Generator
from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
from stylesmith.training.log import LiveView, LogRecord, RunLog, TensorBoardWriter, read_log
from stylesmith.training.loss_passes import Stats
from stylesmith.training.overfitting import overfitting_signals
from stylesmith.training.run_history import HealthMonitor
from stylesmith.training.run_report import write_report
from stylesmith.training.schedule import Phase, Schedule
from stylesmith.training.train_state import TrainState, save_checkpoint


@dataclass(frozen=True)
class Score:
    """Value of a metric."""

    name: str
    """The exact name of the metric, such as `fid10k`."""
    value: float
    larger_is_better: bool = False


class Evaluator(Protocol):
    """Measures a generator; random numbers and results depend on the generator alone."""

    def measure(self, generator: Generator) -> list[Score]:
        """Scores, the first of which decides which model is the best.

        All processes call it together; the main one gets scores, others an empty list.
        """


def is_best(score: Score, records: Iterable[LogRecord]) -> bool:
    """Whether a score beats all earlier ones of its name in the log."""
    sign = 1 if score.larger_is_better else -1
    logged = [r.get("scores", {}).get(score.name) for r in records if r["event"] == "metrics"]
    return all(sign * score.value > sign * value for value in logged if value is not None)


def _images_at_best(log: Path) -> int | None:
    """Images seen when the best model was measured; None before the first measurement."""
    records = read_log(log) if log.exists() else []
    best = [r["images_seen"] for r in records if r["event"] == "metrics" and r.get("best")]
    return best[-1] if best else None


MOMENT_IMAGES = 256
"""Real images whose moments stand for those of the data."""


@dataclass(frozen=True)
class Preview:
    """Draws the run's grid, always from the same seeds, and compares it with real images."""

    config: RunConfig
    reals: Tensor
    """Real images in -1..1, `(N, C, H, W)`."""

    @classmethod
    def from_dataset(cls, config: RunConfig, dataset: Dataset) -> "Preview":
        """Take real images in the order of an epoch of their own, the same in every session."""
        sampler = Sampler(len(dataset), RandomKeys(config.training.seed, branch=-1))
        count = min(len(dataset), max(config.output.grid_images, MOMENT_IMAGES))
        rows = [torch.from_numpy(dataset.pixels(sampler.index(i))) for i in range(count)]
        return cls(config, images.from_uint8(torch.stack(rows)))

    def real_grid(self) -> Tensor:
        """As many real images as the sample grid has, as one image."""
        return images.make_grid(self.reals[: self.config.output.grid_images])

    def samples(self, generator: Generator) -> Tensor:
        """The grid's images, `(N, C, H, W)` on the CPU; classes take turns."""
        count, classes = self.config.output.grid_images, self.config.generator.label_size
        precision = self.config.training.precision

        def draw(seeds: Sequence[int], label: int | None) -> Tensor:
            settings = SamplingSettings(label=label, precision=precision)
            return SamplingPipeline(generator, settings, refuse_infinite=False).sample(seeds)

        if not classes:
            return draw(range(count), None).cpu()
        return torch.cat([draw([seed], seed % classes) for seed in range(count)]).cpu()

    def compare_with_reals(self, samples: Tensor) -> dict[str, float]:
        """Color distance to the real images, and diversity relative to theirs.

        Samples of a level below the top are compared with real images reduced to it.
        """
        factor = self.reals.shape[-1] // samples.shape[-1]
        reals = F.avg_pool2d(self.reals, factor) if factor > 1 else self.reals
        return {
            "color_distance": float((color_moments(samples) - color_moments(reals)).norm()),
            "diversity": float(
                mean_pairwise_distance(samples) / mean_pairwise_distance(reals).clamp(min=1e-8)
            ),
        }

    def repeat_to_full_size(self, samples: Tensor) -> Tensor:
        """Samples with their pixels repeated up to the data's size, so that all grids are alike."""
        factor = self.reals.shape[-1] // samples.shape[-1]
        return F.interpolate(samples, scale_factor=factor) if factor > 1 else samples


def color_moments(batch: Tensor) -> Tensor:
    """Mean and standard deviation of each channel over all pixels, `(2 * C,)`."""
    channels = batch.movedim(1, 0).flatten(1)
    return torch.cat([channels.mean(dim=1), channels.std(dim=1)])


def mean_pairwise_distance(batch: Tensor) -> Tensor:
    """Mean distance between two images of a batch, reduced to 8x8 pixels (a scalar)."""
    small = F.adaptive_avg_pool2d(batch, 8).flatten(1)
    distances = torch.cdist(small, small)
    return distances.sum() / max(1, len(batch) * (len(batch) - 1))


@dataclass(eq=False)
class Recorder:
    """Observes a run from its main process; each kind of output decides when it is due."""

    config: RunConfig
    state: TrainState
    run: RunFolder
    preview: Preview
    view: LiveView
    with_tensorboard: InitVar[bool] = False

    def __post_init__(self, with_tensorboard: bool) -> None:
        config, state, run = self.config, self.state, self.run
        self.notify, self.health = self.view.notify, HealthMonitor(config)
        self.phase = Schedule(config).at(state.counters.schedule_read)
        seen = state.counters.images_seen
        self.log = RunLog.open(run.log, images_seen=seen)
        self.tensorboard = None
        if with_tensorboard:
            self.tensorboard = TensorBoardWriter(run.path / "tensorboard", images_seen=seen)
        self._stat_sums: dict[str, tuple[Tensor | float, int]] = {}
        self._last_images, self._last_seconds = seen, state.counters.seconds
        self._last_checkpoint = time.monotonic()
        self._best_images = _images_at_best(run.log)
        self._last_waited = seconds_without_core()

    def start(self, **facts: Any) -> None:
        """Write the first lines, the real images and the state that a run can always go back to."""
        counters = self.state.counters
        self._write("start", resumed=counters.steps > 0, **facts)
        if counters.steps == 0:
            images.save_image(self.preview.real_grid(), self.run.real_samples)
            self.checkpoint()
            self._write_samples()

    def after_step(self, stats: Stats | None, phase: Phase, *, images_before: int) -> None:
        """Add a step to the means of the next log line, and write what is due.

        `stats` is None after a step that was not finite and is dropped.
        """
        seen = self.state.counters.images_seen
        self.phase = phase
        for name, value in (stats or {}).items():
            total, count = self._stat_sums.get(name, (0.0, 0))
            self._stat_sums[name] = (total + value, count + 1)
        self.view.step(seen)
        if self._is_due("log_kimg", images_before):
            self._write_progress()
        if self._is_due("grid_kimg", images_before):
            self._write_samples()
        if self._is_due("snapshot_kimg", images_before):
            save_weights(self.run.snapshot(seen), self.state.ema)
            self._write("snapshot", file=self._relative_name(self.run.snapshot(seen)))
        due = time.monotonic() - self._last_checkpoint > self.config.output.checkpoint_minutes * 60
        if due and not self.state.counters.dropped_in_row:  # a return must lead to a good state
            self.checkpoint()
        if stats is None:
            self._write("dropped", where=f"step {self.state.counters.steps - 1}")

    def checkpoint(self) -> None:
        """Write the exact state, the model and the report."""
        self.log.check_present()
        save_checkpoint(self.run, self.config, self.state)
        self._last_checkpoint = time.monotonic()
        self._save_model(self.run.model)
        checkpoint = self.run.checkpoint(self.state.counters.images_seen)
        self._write("checkpoint", file=self._relative_name(checkpoint))
        write_report(self.run)

    def record_scores(self, scores: Sequence[Score]) -> None:
        """Write measurements; the model goes to `best/` if its first score is the best so far."""
        first, values = scores[0], {score.name: score.value for score in scores}
        best = is_best(first, read_log(self.run.log))
        if best:
            self._best_images = self.state.counters.images_seen
            self._save_model(self.run.best, **values)
        self._write("metrics", scores=values, best=best)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        seen = self.state.counters.images_seen / 1000
        self.notify(f"After {seen:g} thousand images: {shown}{', the best so far' if best else ''}")

    @property
    def is_out_of_patience(self) -> bool:
        """Whether the best model is as many images old as the run waits for a better one."""
        patience = self.config.output.patience_kimg
        if patience is None or self._best_images is None:
            return False
        return self.state.counters.images_seen - self._best_images >= 1000 * patience

    def record_rollback(self) -> None:
        """Log a return to a checkpoint."""
        seen = self.state.counters.images_seen
        self._stat_sums.clear()
        self._last_images, self._last_seconds = seen, self.state.counters.seconds
        self._write("rollback", to=seen)
        self.notify(
            f"Five steps in a row were not finite: back to {seen} images, with other draws."
        )

    def stop(self, reason: str) -> None:
        """Save everything, log the reason, and close the files."""
        if self._stat_sums:
            self._write_progress()
        if not self.run.samples(self.state.counters.images_seen).exists():
            self._write_samples()
        self._write("stop", reason=reason, seconds=self.state.counters.seconds)
        self.checkpoint()
        self.close()

    def close(self) -> None:
        """Close the files."""
        self.log.close()
        if self.tensorboard:
            self.tensorboard.close()

    def _save_model(self, folder: Path, **scores: float) -> None:
        seen, source = self.state.counters.images_seen, Path(self.config.data.path).name
        about = {"preset": self.config.preset, "data": source, "images_seen": seen, **scores}
        size = self.state.ema.image_size
        card = training_card(self.config, size=size, images_seen=seen, source=source)
        save_model(folder, self.state.ema, card=card, about=about)

    def _write_progress(self) -> None:
        counters = self.state.counters
        means = {name: float(total / count) for name, (total, count) in self._stat_sums.items()}
        memory = peak_memory(self.state.device)
        elapsed = counters.seconds - self._last_seconds
        record = self._write(
            "progress",
            seconds=counters.seconds,
            img_per_sec=(counters.images_seen - self._last_images) / max(elapsed, 1e-9),
            **self.state.logged_quantities(),
            memory_gb=None if memory is None else memory / 1e9,
            waiting=self._waiting(elapsed),
            dropped=counters.dropped,
            **self._phase_fields(),
            **{"r1": None, "path_penalty": None, **means},
            **overfitting_signals(means),
        )
        self._stat_sums.clear()
        self._last_images, self._last_seconds = counters.images_seen, counters.seconds
        self.view.show_record(record)
        if means:
            self._write_hints(record)

    def _waiting(self, elapsed: float) -> float | None:
        """Seconds that threads waited for a core, per second since the last progress record."""
        before, self._last_waited = self._last_waited, seconds_without_core()
        if before is None or self._last_waited is None:
            return None
        return max(0.0, self._last_waited - before) / max(elapsed, 1e-9)

    def _phase_fields(self) -> dict[str, Any]:
        """What a schedule changes on the way; nothing where there is none."""
        phase = self.phase
        if self.config.training.growth is None:
            return {}
        return {
            "resolution": max(self.config.generator.size(phase.growth.level)),
            "fade": phase.growth.fade,
            "batch_size": phase.batch_size,
            "generator_lr": phase.generator_lr,
            "discriminator_lr": phase.discriminator_lr,
        }

    @torch.no_grad()
    def _write_samples(self) -> None:
        seen = self.state.counters.images_seen
        samples = self.preview.samples(self.state.ema)
        images.save_grid(self.preview.repeat_to_full_size(samples), self.run.samples(seen))
        scores = self.preview.compare_with_reals(samples)
        record = self._write("samples", file=self._relative_name(self.run.samples(seen)), **scores)
        if seen:
            self._write_hints(record)

    def _write_hints(self, record: LogRecord) -> None:
        for text in self.health.observe(record):
            self._write("hint", text=text)
            self.notify(f"Hint: {text}")

    def _write(self, event: str, **fields: Any) -> LogRecord:
        counters = self.state.counters
        record = self.log.write(
            event, images_seen=counters.images_seen, steps=counters.steps, **fields
        )
        if self.tensorboard:
            self.tensorboard.write(record)
        return record

    def _is_due(self, name: OutputInterval, images_before: int) -> bool:
        """Whether an output of that interval is due after the last step."""
        every_kimg = self.config.output.at_level(name, self.phase.growth.level)
        return crossed_interval(every_kimg, images_before, self.state.counters.images_seen)

    def _relative_name(self, path: Path) -> str:
        return path.relative_to(self.run.path).as_posix()


def crossed_interval(every_kimg: float, before: int, after: int) -> bool:
    """Whether a multiple of `every_kimg` thousand images lies behind `before` and up to `after`."""
    every = every_kimg * 1000
    return int(after // every) > int(before // every)
