"""Images a second of whole training steps at full size, without growing, logging or sampling."""

import math
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch

import measure
from stylesmith.config import RunConfig, TrainingConfig
from stylesmith.config.training import at_level
from stylesmith.data.dataset import Dataset
from stylesmith.data.loader import BatchLoader
from stylesmith.devices import choose_precision, dtype_name
from stylesmith.latents import RandomKeys
from stylesmith.training.estimate import choose_micro_batch
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState
from stylesmith.training.train_step import TrainStep


@dataclass(frozen=True)
class Speed:
    """What one preset reaches."""

    images_per_second: float
    batch: int
    micro_batch: int
    precision: str
    milliseconds: dict[str, float]
    """Median time of a step by what it holds besides the main passes."""

    def to_json(self) -> dict[str, Any]:
        """Rounded to what the clock is good for."""
        return measure.rounded(asdict(self))


def measure_speed(
    config: RunConfig, dataset: Dataset, device: torch.device, *, repeats: int = 5
) -> Speed:
    """Time every kind of step a few times, and weigh the medians by how often each falls."""
    config = choose_micro_batch(at_full_size(config), device)
    training, keys = config.training, RandomKeys(config.training.seed)
    state = TrainState.create(config, device)
    loader = BatchLoader(dataset, keys=keys, mirror=config.data.mirror)
    train_step = TrainStep(config, state, loader, Schedule(config), keys)

    def step(number: int) -> None:
        state.counters.steps = number
        train_step.step()

    kinds, layout = steps_by_kind(training), train_step.phase.layout
    medians = {}
    for kind, numbers in kinds.items():
        times = [measure.seconds(partial(step, numbers[0]), device) for _ in range(repeats + 1)]
        medians[kind] = statistics.median(times[1:])  # the first one warms up
    loader.close()
    total = sum(medians[kind] * len(numbers) for kind, numbers in kinds.items())
    return Speed(
        images_per_second=layout.batch_size * sum(map(len, kinds.values())) / total,
        batch=layout.batch_size,
        micro_batch=layout.micro_batch,
        precision=dtype_name(choose_precision(training.precision, device)),
        milliseconds={kind: 1000 * seconds for kind, seconds in medians.items()},
    )


def at_full_size(config: RunConfig) -> RunConfig:
    """The same run with all levels in use from the start, at the top level's batch and rates."""
    training, top = config.training, config.generator.levels - 1
    names = ("batch_size", "micro_batch", "generator_lr", "discriminator_lr")
    settings = {name: getattr(training, name) for name in names}
    at_top = {
        name: at_level(setting, top, training.reference_devices)
        for name, setting in settings.items()
    }
    return config.change(training={**at_top, "growth": None})


def steps_by_kind(training: TrainingConfig) -> dict[str, list[int]]:
    """The steps of one whole cycle of lazy regularization, by what they hold."""
    intervals = {}
    if training.path_weight:
        intervals["path length"] = training.path_interval
    if training.r1_gamma:
        intervals["R1"] = training.r1_interval
    kinds: dict[str, list[int]] = defaultdict(list)
    for step in range(math.lcm(*intervals.values())):
        due = [name for name, interval in intervals.items() if step % interval == 0]
        kinds[" and ".join(due) or "main passes alone"].append(step)
    return dict(kinds)
