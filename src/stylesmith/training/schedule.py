"""Schedule of a run: levels in use, batch size, micro-batches and learning rates by images seen.

A growing run trains its first level; each further level fades in and then trains, in phases of
equal length. Batch size and learning rates of a level hold from the start of its fade.

Source: ProGAN, section 2.
"""

from dataclasses import dataclass

from stylesmith import distributed
from stylesmith.config import RunConfig, TrainingConfig
from stylesmith.errors import UsageError
from stylesmith.networks import Growth


@dataclass(frozen=True)
class BatchLayout:
    """Global batch = processes x micro-batch x accumulation."""

    batch_size: int
    micro_batch: int
    processes: int

    def __post_init__(self) -> None:
        at_once = self.micro_batch * self.processes
        if self.batch_size % at_once:
            near = max(1, round(self.batch_size / at_once)) * at_once
            raise UsageError(
                f"a batch of {self.batch_size} cannot be shared by {self.processes} processes in "
                f"micro-batches of {self.micro_batch}; wanted a multiple of {at_once}, such as "
                f"--set training.batch_size={near}, or another training.micro_batch"
            )

    @property
    def accumulation(self) -> int:
        """Micro-batches per process and step."""
        return self.batch_size // (self.micro_batch * self.processes)

    def micro_batches(self) -> list[range]:
        """Indices in the global batch of each micro-batch of this process."""
        stride = self.micro_batch * self.processes
        first = self.micro_batch * distributed.rank()
        return [
            range(start, start + self.micro_batch)
            for start in range(first, self.batch_size, stride)
        ]


@dataclass(frozen=True)
class Phase:
    """What is in force at one moment."""

    growth: Growth
    """The levels in use."""
    levels_below_top: int
    """Levels of the networks that are not in use yet."""
    layout: BatchLayout
    """Batch size, and how it is shared."""
    generator_lr: float
    discriminator_lr: float

    @property
    def batch_size(self) -> int:
        """Images per step over all processes."""
        return self.layout.batch_size

    @property
    def penalty_scale(self) -> float:
        """Factor of squared gradients by images, which ProGAN and StyleGAN take at full size.

        There, a low level sees the image with each pixel repeated 2^L x 2^L times; the gradient by
        each copy is 1 / 4^L of that by the pixel, and their squares sum to 1 / 4^L of its square.
        """
        return 0.25**self.levels_below_top

    def same_levels(self, other: "Phase") -> bool:
        """Whether the same parameters learn: same level, and fading or not."""
        here, there = self.growth, other.growth
        return (here.level, here.fade < 1) == (there.level, there.fade < 1)


class Schedule:
    """Phases by images seen; the same on any number of processes, except for the layout."""

    def __init__(self, config: RunConfig, *, processes: int | None = None):
        """Lay out every level.

        Raises:
            UsageError: If a batch cannot be shared by the processes.
        """
        self.levels, self.training = config.generator.levels, config.training
        self.processes = processes or distributed.world_size()
        self.phases = {level: self._phase(Growth(level)) for level in self._levels_trained()}
        self.repeats = self.training.growth.repeats if self.training.growth else 1

    def with_smaller_micro_batch(self, level: int) -> dict[int, int] | None:
        """Micro-batches of all levels with half of this level's from it on; None if it is odd."""
        sizes = {number: phase.layout.micro_batch for number, phase in self.phases.items()}
        half, rest = divmod(sizes[level], 2)
        if rest:
            return None
        return {
            number: min(size, half) if number >= level and size % half == 0 else size
            for number, size in sizes.items()
        }

    def at(self, images_seen: int) -> Phase:
        """The phase after so many images."""
        growth = growth_at(self.training, self.levels, images_seen)
        return self.phases[growth.level] if growth.fade == 1 else self._phase(growth)

    def images_by_level(self) -> dict[int, float]:
        """Images of the whole run at each level, its fade included."""
        total, growth = self.training.kimg * 1000, self.training.growth
        if growth is None:
            return {self.levels - 1: total}
        images, left = {}, total
        for level in self._levels_trained():
            first, top = level == growth.start_level, level == self.levels - 1
            fade = 0 if first else growth.fade_kimg * 1000
            images[level] = left if top else min(left, fade + growth.train_kimg * 1000)
            left -= images[level]
        return images

    def _levels_trained(self) -> range:
        growth = self.training.growth
        return range(growth.start_level if growth else self.levels - 1, self.levels)

    def _phase(self, growth: Growth) -> Phase:
        at_level, level = self.training.at_level, growth.level
        batch_size = at_level("batch_size", level)
        micro_batch = max(1, batch_size // self.processes)
        if self.training.micro_batch is not None:
            micro_batch = min(micro_batch, at_level("micro_batch", level))
        return Phase(
            growth=growth,
            levels_below_top=self.levels - 1 - level,
            layout=BatchLayout(batch_size, micro_batch, self.processes),
            generator_lr=at_level("generator_lr", level),
            discriminator_lr=at_level("discriminator_lr", level),
        )


def growth_at(training: TrainingConfig, levels: int, images_seen: int) -> Growth:
    """The levels in use after so many images: train, fade, train, ... up to the top.

    At the very end of a phase its own level still holds.
    """
    top, growth = levels - 1, training.growth
    if growth is None:
        return Growth(top)
    phase_kimg = growth.train_kimg + growth.fade_kimg
    passed, within = divmod(images_seen / 1000, phase_kimg)
    level = growth.start_level + int(passed)
    if level >= top:
        return Growth(top)
    fade = (within - growth.train_kimg) / growth.fade_kimg
    return Growth(level + 1, min(fade, 1.0)) if fade > 0 else Growth(level)
