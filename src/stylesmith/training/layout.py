"""How a global batch is cut into micro-batches over processes."""

from dataclasses import dataclass

from stylesmith import distributed
from stylesmith.errors import UsageError


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
