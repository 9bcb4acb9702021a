"""What both benchmarks share: cases, timing in alternation, FLOPs, peaks, and the report."""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from stylesmith import devices
from stylesmith.choices import PrecisionName
from stylesmith.config import DataConfig, RunConfig
from stylesmith.devices import Precision
from stylesmith.presets.own_presets import small_avatars
from stylesmith.presets.stylegan2_configs import config_e, config_f

Work = Callable[[], object]
"""Something to be timed."""

Times = dict[str, float]
"""Seconds by the name of what was timed."""


@dataclass(frozen=True)
class Case:
    """A network at a size and a batch."""

    config: RunConfig
    batch: int
    compare: bool = True
    """Whether the plain form is run too; it does not fit where networks are large."""


def square(side: int) -> DataConfig:
    """Data of RGB images of that size."""
    return DataConfig(size=(side, side))


def narrow(side: int, channels: int) -> RunConfig:
    """`stylegan2-e` with at most that many feature maps."""
    width = {"max_channels": channels}
    return config_e(square(side)).change(generator=width, discriminator=width)


CASES: dict[str, Case] = {
    "e-64": Case(config_e(square(64)), batch=8),
    "e-256": Case(config_e(square(256)), batch=4, compare=False),
    "avatars-32": Case(small_avatars(square(32)), batch=16),
    "small-32": Case(narrow(32, 128), batch=16),
    "f-256": Case(config_f(square(256)), batch=32, compare=False),
    "f-1024": Case(config_f(square(1024)), batch=32, compare=False),
}

PEAK_SHAPES = {
    "cpu": [(8, 512, 32), (8, 256, 64), (16, 256, 32), (16, 512, 16)],
    "cuda": [(32, 512, 64), (32, 256, 128), (32, 512, 32), (32, 128, 256)],
}
"""Batch, channels and side of the 3x3 convolutions that show what the machine can do."""


@dataclass(frozen=True)
class Setting:
    """One run of a benchmark, as asked for on the command line."""

    name: str
    case: Case
    pairs: int
    device: torch.device
    precision: Precision

    def describe(self) -> dict[str, object]:
        """The head of the report."""
        return {
            "case": self.name,
            "batch": self.case.batch,
            "pairs": self.pairs,
            "device": devices.device_name(self.device),
            "path": str(self.precision.dtype).removeprefix("torch."),
            "torch": str(torch.__version__),
        }


def parse_arguments(description: str) -> Setting:
    """Read the command line that both benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--case", choices=CASES, default="e-64")
    parser.add_argument("--pairs", type=int, default=5, help="timed rounds of both forms")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16", "fp16"], default="auto")
    arguments = parser.parse_args()
    device = devices.choose_device(arguments.device)
    name: PrecisionName = arguments.precision
    precision = devices.choose_precision(name, device)
    case = CASES[arguments.case]
    return Setting(arguments.case, case, max(1, arguments.pairs), device, precision)


def seconds(work: Work, device: torch.device) -> float:
    """Wall time of one call."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Let a GPU finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def alternate(forms: Mapping[str, Mapping[str, Work]], setting: Setting) -> dict[str, list[Times]]:
    """Time all parts of all forms once per pair, one form after the other, after one warm-up."""
    rounds: dict[str, list[Times]] = {form: [] for form in forms}
    for pair in range(setting.pairs + 1):
        for form, parts in forms.items():
            gc.collect()
            times = {name: seconds(work, setting.device) for name, work in parts.items()}
            if pair > 0:
                rounds[form].append(times)
    return rounds


def count_flops(parts: Mapping[str, Work]) -> dict[str, float]:
    """FLOPs of convolutions and matrix products in each part."""
    flops = {}
    for name, work in parts.items():
        with CountFlops() as counter:
            work()
        flops[name] = float(counter.total)
    return flops


class CountFlops(TorchDispatchMode):
    """Sum of what torch's `FlopCounterMode` counts, by the same table.

    That class also tells modules apart, and its hooks refuse a gradient by a network's input
    within a loss, which R1 takes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def weighted(values: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Cost of one average step, from the costs of its parts and how often each runs."""
    return sum(values[name] * weight for name, weight in weights.items())


def convolution_peak(setting: Setting, *, repeats: int = 5) -> float:
    """FLOP/s of forward 3x3 convolutions, channels last: the best median over a few shapes."""
    best = 0.0
    for batch, channels, side in PEAK_SHAPES.get(setting.device.type, PEAK_SHAPES["cpu"]):
        x = randn_like_activations((batch, channels, side, side), setting)
        weight = randn_like_activations((channels, channels, 3, 3), setting)
        work = partial(F.conv2d, x, weight, padding=1)
        best = max(best, rate(work, setting, repeats=repeats))
    return best


def randn_like_activations(shape: tuple[int, ...], setting: Setting) -> torch.Tensor:
    """Random numbers in the format and layout that the shipped networks use."""
    x = torch.randn(shape, device=setting.device, dtype=setting.precision.dtype)
    return x.contiguous(memory_format=torch.channels_last)


def matrix_peak(setting: Setting, *, repeats: int = 5) -> float:
    """FLOP/s of a large square matrix product."""
    side = 8192 if setting.device.type == "cuda" else 2048
    a, b = (
        torch.randn(side, side, device=setting.device, dtype=setting.precision.dtype)
        for _ in range(2)
    )
    return rate(lambda: a @ b, setting, repeats=repeats)


@torch.no_grad()
def rate(work: Work, setting: Setting, *, repeats: int) -> float:
    """FLOP/s of something small, by the median of several calls after a warm-up."""
    (flops,) = count_flops({"work": work}).values()
    times = [seconds(work, setting.device) for _ in range(repeats + 1)][1:]
    return flops / statistics.median(times)


def report(
    setting: Setting,
    rounds: Mapping[str, list[Times]],
    weights: Mapping[str, float],
    flops: Mapping[str, float],
) -> dict[str, object]:
    """Medians, their ratio with the range of the pairs, and the share of the peaks."""
    totals = {form: [weighted(times, weights) for times in pairs] for form, pairs in rounds.items()}
    medians = {form: statistics.median(values) for form, values in totals.items()}
    result: dict[str, object] = setting.describe()
    result["seconds"] = medians
    result["images_per_second"] = {
        form: setting.case.batch / value for form, value in medians.items()
    }
    result["parts"] = {
        form: {name: statistics.median(times[name] for times in pairs) for name in weights}
        for form, pairs in rounds.items()
    }
    if "plain" in totals:
        ratios = [b / a for a, b in zip(totals["shipped"], totals["plain"], strict=True)]
        result["ratio"] = medians["plain"] / medians["shipped"]
        result["ratio_of_pairs"] = {"low": min(ratios), "high": max(ratios)}
    achieved = weighted(flops, weights) / medians["shipped"]
    peaks = {"convolution": convolution_peak(setting), "matrix_product": matrix_peak(setting)}
    result["gflops_per_second"] = {"shipped": achieved / 1e9} | {
        name: peak / 1e9 for name, peak in peaks.items()
    }
    result["share_of_peak"] = {name: achieved / peak for name, peak in peaks.items()}
    result["peak_memory_gb"] = (devices.peak_memory(setting.device) or 0) / 1e9
    return rounded(result)


def rounded(value: object) -> dict[str, object]:
    """Four significant digits, for people."""
    text = json.dumps(value)
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.4g}"))


def main(run: Callable[[Setting], dict[str, object]], description: str) -> None:
    """The command line of a benchmark: JSON on standard output."""
    print(json.dumps(run(parse_arguments(description)), indent=2))
