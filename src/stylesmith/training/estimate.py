"""What a run will take, before it starts: memory and operations counted without computing.

Both are estimates: memory counts what the passes keep for their backward, time assumes the
fraction of the device's convolution peak that training usually reaches.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from stylesmith import distributed
from stylesmith.config import ConvolutionalConfig, RunConfig
from stylesmith.devices import Precision, choose_precision, free_memory
from stylesmith.networks import build_discriminator, build_generator, parameter_count
from stylesmith.training import loss_passes
from stylesmith.training.loss_passes import LatentBatch
from stylesmith.training.schedule import Phase, Schedule

WEIGHT_COPIES = 8
"""Weights, gradients, two moments, the average, and three of them once more in the backup."""
USUAL_UTILIZATION = 0.6
"""Fraction of the convolution peak that training reaches."""
PROBE_IMAGES = 4
MAX_TIMED_SECONDS = 2.0
"""A step shorter than this is timed rather than guessed."""
RUNTIME_BYTES = 500_000_000
"""Memory of Python and torch themselves."""

PassFunction = Callable[[], tuple[Tensor, loss_passes.Stats]]


@dataclass(frozen=True)
class Estimate:
    """Memory and operations of one phase of a run."""

    fixed_bytes: int
    """Bytes of the weights and all that scales with them."""
    bytes_per_image: int
    """Bytes per image of a micro-batch."""
    flops_per_image: float
    """Operations per image, the mean over steps, lazy regularization included."""

    def memory_bytes(self, micro_batch: int) -> int:
        """Memory of one process."""
        return RUNTIME_BYTES + self.fixed_bytes + self.bytes_per_image * micro_batch


@dataclass(frozen=True)
class Forecast:
    """Memory, speed and time of a whole run, over all phases of its schedule."""

    memory_bytes: int
    """Memory of one process in the phase that needs most."""
    images_per_second: float
    """Images a second of all processes at full size."""
    seconds: float
    """Seconds of the whole run."""


def forecast(
    config: RunConfig, schedule: Schedule, precision: Precision, device: torch.device
) -> Forecast:
    """Estimate every phase of a schedule whose micro-batches are chosen.

    Steps of small networks are timed, those of large ones guessed by their operations.
    """
    peak_flops = convolution_peak(device, precision.dtype)
    needs, seconds, speed = [], 0.0, 0.0
    for level, images in schedule.images_by_level().items():
        phase = schedule.phases[level]
        estimate, micro_batch = estimate_phase(config, precision, phase), phase.layout.micro_batch
        needs.append(estimate.memory_bytes(micro_batch))
        duration = micro_batch * estimate.flops_per_image / (USUAL_UTILIZATION * peak_flops)
        if duration <= MAX_TIMED_SECONDS:
            passes = _step_passes(config, precision, device, micro_batch, phase)
            duration = sum(_time_pass(run, device) / interval for run, interval in passes)
        speed = micro_batch / duration * schedule.processes
        seconds += images / speed
    return Forecast(max(needs), speed, seconds)


_known_estimates: dict[tuple[object, ...], Estimate] = {}
"""Of the phases counted so far: a micro-batch is chosen, and the run forecast, by the same ones."""


def estimate_phase(config: RunConfig, precision: Precision, phase: Phase) -> Estimate:
    """Memory and operations of a phase, whatever its micro-batch."""
    key = (
        config.generator.model_dump_json(),
        config.discriminator.model_dump_json(),
        config.training.model_dump_json(exclude={"micro_batch"}),
        (config.data.size, config.data.channels, config.data.label_size),
        precision,
        phase.growth,
    )
    if key not in _known_estimates:
        _known_estimates[key] = _count_phase(config, precision, phase)
    return _known_estimates[key]


def _count_phase(config: RunConfig, precision: Precision, phase: Phase) -> Estimate:
    """Count memory and operations of each pass on meta tensors; nothing is computed."""
    passes = _step_passes(config, precision, torch.device("meta"), PROBE_IMAGES, phase)
    counts = [(count_pass(run), 1 / interval) for run, interval in passes]
    with torch.device("meta"):
        weights = parameter_count(build_generator(config.generator))
        weights += parameter_count(build_discriminator(config.discriminator))
    return Estimate(
        fixed_bytes=weights * 4 * WEIGHT_COPIES,
        bytes_per_image=max(kept for (kept, _), _ in counts) // PROBE_IMAGES,
        flops_per_image=sum(flops * weight for (_, flops), weight in counts) / PROBE_IMAGES,
    )


def count_pass(compute: PassFunction) -> tuple[int, float]:
    """Bytes that a pass keeps for its backward, and operations of both directions."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with FlopCounter() as counter, saved_tensors_hooks(pack, lambda t: t):
        loss, _ = compute()
        loss.backward()
    return sum(kept.values()), counter.total


class FlopCounter(TorchDispatchMode):
    """Counts as torch's FlopCounterMode does, which cannot follow gradients of gradients."""

    total = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and count it if it is a convolution or a matrix product."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        count = flop_registry.get(func.overloadpacket)
        if count:
            self.total += count(*args, **kwargs, out_val=out)
        return out


def choose_micro_batch(config: RunConfig, device: torch.device) -> RunConfig:
    """Fill in the micro-batch: as many images at once as fit into most of the free memory.

    A growing run gets one for each of its levels.
    """
    if config.training.micro_batch is not None:
        return config
    phases = Schedule(config, processes=distributed.planned_world_size()).phases
    precision = choose_precision(config.training.precision, device)
    available = free_memory(device)
    fitting = {
        level: _fitting_micro_batch(config, phase, precision, available)
        for level, phase in phases.items()
    }
    return set_micro_batches(config, fitting)


def set_micro_batches(config: RunConfig, by_level: dict[int, int]) -> RunConfig:
    """The config with the micro-batch of each level; one number where all are equal."""
    table = {4 << level: micro_batch for level, micro_batch in by_level.items()}
    (first, *others) = set(table.values())
    return config.change(training={"micro_batch": table if others else first})


def micro_batch_note(config: RunConfig, schedule: Schedule) -> str | None:
    """Says where micro-batches are smaller than the groups of the minibatch standard deviation."""
    critic = config.discriminator
    if not isinstance(critic, ConvolutionalConfig) or not critic.stddev_features:
        return None
    group = critic.stddev_group
    smallest = min(phase.layout.micro_batch for phase in schedule.phases.values())
    if smallest >= group:
        return None
    effect = "off" if smallest == 1 else f"taken over {smallest} images"
    return (
        f"Micro-batches of {smallest} are smaller than the groups of {group} images whose standard "
        f"deviation the discriminator sees: it is {effect} there. A larger training.batch_size, "
        "fewer processes or more memory mend that."
    )


def _fitting_micro_batch(
    config: RunConfig, phase: Phase, precision: Precision, available: int | None
) -> int:
    micro_batch = phase.layout.micro_batch  # all images of a process, where none is chosen yet
    if available is not None:
        estimate = estimate_phase(config, precision, phase)
        while micro_batch % 2 == 0 and estimate.memory_bytes(micro_batch) > 0.8 * available:
            micro_batch //= 2
    return micro_batch


def convolution_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large convolution, the median of a few."""
    x = torch.randn(4, 256, 32, 32, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(256, 256, 3, 3, device=device, dtype=dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        float(F.conv2d(x, weight, padding=1)[0, 0, 0, 0])  # waits for the device
        seconds.append(time.perf_counter() - begin)
    return 2 * x.numel() * weight.numel() / 256 / statistics.median(seconds[1:])


def _time_pass(compute: PassFunction, device: torch.device) -> float:
    """Time of a pass, its backward included, when it runs the second time."""
    for _ in range(2):
        begin = time.perf_counter()
        loss, _stats = compute()
        loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - begin
    return seconds


def _step_passes(
    config: RunConfig, precision: Precision, device: torch.device, n: int, phase: Phase
) -> list[tuple[PassFunction, int]]:
    """The passes of a step over n random images, each with its interval."""
    training, level = config.training, phase.growth.level
    z_dim, channels = config.generator.mapping.z_dim, config.data.channels
    with torch.device(device):
        generator = build_generator(config.generator)
        frozen = build_discriminator(config.discriminator).requires_grad_(False)
        learning = build_discriminator(config.discriminator)
        reals, t = torch.randn(n, channels, *config.data.size), torch.rand(n)
        directions = torch.randn(n, channels, *config.generator.size(level))
        labels = torch.zeros(n, config.data.label_size) if config.data.label_size else None
        noise = [torch.randn(n, 1, *shape) for shape in config.generator.noise_shapes_up_to(level)]
        latents = LatentBatch(torch.randn(n, z_dim), torch.randn(n, z_dim), None, noise, labels)
        mean_length = torch.zeros(())
    networks = partial(loss_passes.Networks, generator, precision=precision, growth=phase.growth)
    for_generator, for_discriminator = networks(frozen), networks(learning)
    batch = (for_discriminator, reals, labels)
    passes: list[tuple[PassFunction, int]] = [
        (partial(loss_passes.generator_pass, for_generator, latents, loss=training.loss), 1)
    ]
    if training.loss == "wgan_gp":
        passes.append((partial(loss_passes.wgan_pass, *batch, latents, t, training), 1))
    else:
        passes.append((partial(loss_passes.discriminator_pass, *batch, latents), 1))
    if interval := training.penalty_interval("discriminator"):
        passes.append((partial(loss_passes.r1_pass, *batch, training), interval))
    if interval := training.penalty_interval("generator"):
        inputs = (for_generator, latents, directions, mean_length, training)
        passes.append(
            (partial(loss_passes.path_pass, *inputs), interval * training.path_batch_shrink)
        )
    return passes
