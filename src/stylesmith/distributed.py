"""Several processes that train as one; every function is a no-op when there is only one.

Started by torchrun, which sets RANK, WORLD_SIZE and the meeting point in the environment.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from stylesmith.errors import RunError


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main() -> bool:
    """Whether this process writes files and talks to the user."""
    return rank() == 0


def planned_world_size() -> int:
    """How many processes torchrun started, also before they have met."""
    return int(os.environ.get("WORLD_SIZE", 1))


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the other processes that torchrun started, and leave them at the end."""
    if planned_world_size() == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def all_reduce_mean_(tensors: Sequence[Tensor]) -> None:
    """Replace float tensors by their mean over all processes, in one exchange."""
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
    with _report_lost_process():
        dist.all_reduce(flat)
    flat /= world_size()
    parts = flat.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view_as(tensor))


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum over all processes in its own number format; the tensor itself if there is one.

    Tables are gathered with it too: each process fills its own rows and leaves the others 0.
    """
    if world_size() == 1:
        return tensor
    on_gpus = dist.get_backend() == "nccl"  # which takes no others
    summed = tensor.to("cuda" if on_gpus else tensor.device, copy=True).contiguous()
    with _report_lost_process():
        dist.all_reduce(summed)
    return summed.to(tensor.device)


def all_reduce_min_(values: Tensor) -> Tensor:
    """Elementwise minimum over all processes: flags hold only where every process agrees."""
    if world_size() > 1:
        with _report_lost_process():
            dist.all_reduce(values, op=dist.ReduceOp.MIN)
    return values


def broadcast_text(text: str) -> str:
    """The text of the main process, in every process."""
    if world_size() == 1:
        return text
    texts = [text]
    with _report_lost_process():
        dist.broadcast_object_list(texts, src=0)
    return texts[0]


def barrier() -> None:
    """Wait for every process."""
    if world_size() > 1:
        with _report_lost_process():
            dist.barrier()


@contextmanager
def _report_lost_process() -> Iterator[None]:
    """Say in one line that another process is gone; the line that it printed says why."""
    try:
        yield
    except RuntimeError as error:
        raise RunError(
            f"process {rank()}: stopped, for another process is gone; see the error of that one."
        ) from error
