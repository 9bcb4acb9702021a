"""Which device to use, how many bits to compute with, and how much memory there is."""

import contextlib
import gc
import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.choices import PrecisionName, check_choices
from stylesmith.errors import UsageError
from stylesmith.formatting import format_count


@dataclass(frozen=True)
class Precision:
    """The number format of the convolution blocks; weights are always stored in fp32.

    Mapping, image sums and the discriminator's epilogue compute in fp32 whatever is chosen here.
    """

    dtype: torch.dtype = torch.float32
    top_levels: int | None = None
    """How many of the highest resolutions use `dtype`; None means all."""
    clamp: float | None = None
    """Bound on activations, which keeps fp16 from overflowing."""

    def dtype_at(self, level: int, levels: int) -> torch.dtype:
        """The format of one level, counted from 0 at the base."""
        low = self.top_levels is None or level >= levels - self.top_levels
        return self.dtype if low else torch.float32


FP32 = Precision()


def choose_device(name: str = "auto") -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device that is there.

    From then on fp32 is fp32 in this process (see `disable_tf32`).

    Raises:
        UsageError: If the device is unknown or missing on this machine.
    """
    disable_tf32()
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, is_present in present.items() if is_present)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: not a device. Use auto, cpu, cuda or mps.") from None
    if not present.get(device.type, False):
        raise UsageError(f"--device {name}: this machine has none. Use auto or cpu.")
    if name == "cuda":  # each process that torchrun starts has a GPU of its own
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    return device


def disable_tf32() -> None:
    """Compute fp32 as fp32 in this process, backward passes included.

    By default torch lets cuDNN round the inputs of fp32 convolutions to 10 bits (TF32). Path
    lengths compare images that differ by 1e-4, which would be lost. A context would not do:
    backward passes often run after it has ended.
    """
    backends: Any = torch.backends
    backends.cudnn.allow_tf32 = False  # old names too: torch refuses to read them where they differ
    backends.cuda.matmul.allow_tf32 = False
    for part in (backends, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        part.fp32_precision = "ieee"


@check_choices
def choose_drawing_precision(name: PrecisionName, device: torch.device) -> Precision:
    """The policy behind a precision's name for images that are kept or measured.

    `auto` is fp32: in bf16, images are off by up to 10 of 255 gray levels.
    """
    return choose_precision("fp32" if name == "auto" else name, device)


@check_choices
def choose_precision(name: PrecisionName, device: torch.device) -> Precision:
    """The policy behind a precision's name in training on a device.

    `auto` is bf16 where the device computes it natively and fp32 elsewhere. `fp16` follows
    StyleGAN2-ADA: the four highest resolutions, activations clamped at 256.
    """
    if name == "auto":
        name = "bf16" if has_bf16(device) else "fp32"
    match name:
        case "fp32":
            return FP32
        case "bf16":
            return Precision(torch.bfloat16)
        case "fp16":
            return Precision(torch.float16, top_levels=4, clamp=256.0)


def set_threads(count: int | None) -> None:
    """Compute with so many processor threads; None leaves what torch or the environment chose.

    Raises:
        UsageError: If `count` is not at least 1.
    """
    if count is None:
        return
    if count < 1:
        raise UsageError(f"--threads {count}: wanted a whole number of at least 1")
    torch.set_num_threads(count)


def enable_cudnn_benchmark(device: torch.device) -> None:
    """Let cuDNN try its algorithms: shapes hardly change while training."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def dtype_name(precision: Precision) -> str:
    """The number format in words, such as "bfloat16"."""
    return str(precision.dtype).removeprefix("torch.")


def has_fused_adam(device: torch.device) -> bool:
    """Whether Adam moves all parameters in one kernel there."""
    return device.type in {"cpu", "cuda"}


def has_float64(device: torch.device) -> bool:
    """Whether the device computes in double precision, which Apple's GPUs do not."""
    return device.type != "mps"


def to_float64(values: Tensor) -> Tensor:
    """The tensor in double precision, on its device, or on the CPU where the device has none."""
    return (values if has_float64(values.device) else values.cpu()).double()


def has_bf16(device: torch.device) -> bool:
    """Whether convolutions in bf16 run on units made for it, not by emulation."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets the processor reports; empty where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").partition(":")[2].split())


def free_memory(device: torch.device) -> int | None:
    """Bytes that a new process could use now; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["MemAvailable"].split()[0]) * 1024


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or in RAM."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def describe_device_failure(error: Exception) -> str | None:
    """One line for errors of a device that are no bug of this package; None for all others."""
    reason = str(error).partition("\n")[0].strip().rstrip(".") or type(error).__name__
    if is_out_of_memory(error):
        return f"out of memory: {reason}. Ask for less at once, or use --device cpu."
    if isinstance(error, torch.AcceleratorError):
        return (
            f"the device failed: {reason}. Start again: a run goes on from its newest checkpoint "
            "by `stylesmith train --resume RUN`."
        )
    return None


def release_memory(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the GPU."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def peak_memory(device: torch.device) -> int | None:
    """Most bytes this process has held: on the GPU, or in RAM; None where unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def seconds_without_core() -> float | None:
    """Seconds that threads of this process were ready and waited for a core, since it began.

    Other programs that use the same cores make it grow. None where the system does not tell, as
    only Linux does.
    """
    waited = 0
    try:
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                waited += int((thread / "schedstat").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return waited / 1e9


def device_name(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    return f"{platform.machine()} CPU, {format_count(torch.get_num_threads(), 'thread')}"


def numeric_environment() -> dict[str, str]:
    """What bit-exact resume depends on: the same values give the same bits."""
    return {
        "torch": str(torch.__version__),
        "threads": str(torch.get_num_threads()),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
