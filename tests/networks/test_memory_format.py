"""Channels last is most of the speed on a CPU, and is lost silently: watch every convolution."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from stylesmith.devices import FP32, Precision

ATEN = torch.ops.aten
POLICIES = pytest.mark.parametrize(
    "precision", [FP32, Precision(torch.bfloat16)], ids=["fp32", "bf16"]
)


class WatchConvolutions(TorchDispatchMode):
    """Record the layout of what enters every convolution and filter, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.lost: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in {ATEN.convolution.default, torch.ops.stylesmith.fir.default}:
            self._record("input", args[0])
        if function is ATEN.convolution_backward.default:
            self._record("gradient", args[0])
            self._record("saved input", args[1])
        return function(*args, **(kwargs or {}))

    def _record(self, role: str, x: Tensor) -> None:
        self.seen += 1
        if x.shape[2] <= 4:  # the base grid is too small for its layout to matter
            return
        # The gradient of a gradient by weights is a convolution with batch and channels swapped.
        swapped = x.transpose(0, 1)
        if not any(y.is_contiguous(memory_format=torch.channels_last) for y in (x, swapped)):
            self.lost.append(f"{role} {tuple(x.shape)} with strides {x.stride()}")


def test_the_watch_sees_a_lost_layout():
    x, weight = torch.randn(2, 4, 8, 8, requires_grad=True), torch.randn(5, 4, 3, 3)
    with WatchConvolutions() as watch:
        torch.nn.functional.conv2d(x, weight).square().sum().backward()
    assert watch.seen == 3
    assert len(watch.lost) >= 2


@POLICIES
def test_the_generator_keeps_channels_last(precision, tiny_generator):
    generator = tiny_generator(levels=4)
    with WatchConvolutions() as watch:
        generator(torch.randn(2, 8), precision=precision).square().sum().backward()
    assert watch.seen >= 33
    assert watch.lost == []


@POLICIES
def test_the_discriminator_keeps_channels_last(precision, tiny_discriminator):
    discriminator = tiny_discriminator(levels=4)
    images = torch.randn(2, 3, 32, 32, requires_grad=True)  # as the data loader gives them
    with WatchConvolutions() as watch:
        scores = discriminator(images, precision=precision)
        (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        gradient.square().sum().backward()
    assert watch.seen >= 33
    assert watch.lost == []


def test_weights_are_channels_last(tiny_generator, tiny_discriminator):
    for network in (tiny_generator(), tiny_discriminator()):
        kernels = [p for p in network.parameters() if p.ndim == 4 and p.shape[0] > 1]
        assert kernels
        for kernel in kernels:
            assert kernel.is_contiguous(memory_format=torch.channels_last)
