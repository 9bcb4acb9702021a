"""What several tests share: a fixed seed, tiny networks, comparison up to second derivatives."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, MappingConfig
from stylesmith.devices import choose_device
from stylesmith.errors import UsageError
from stylesmith.networks import (
    Generator,
    ResidualDiscriminator,
    build_discriminator,
    build_generator,
)
from tests import virtual_gpu

Function = Callable[..., Tensor]

virtual_gpu.register()  # before the first backward pass of the process


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Every test starts from the same random state, in whatever order tests run."""
    torch.manual_seed(0)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("device")
    group.addoption(
        "--device",
        default="cpu",
        help="Run tests of ops, networks and training steps on this device: cuda, mps, or vgpu, "
        "the virtual GPU.",
    )
    group.addoption(
        "--dtype",
        default="fp32",
        choices=["fp32", "bf16", "fp16"],
        help="Number format in which tests/test_device.py compares the device with the CPU.",
    )


DEVICE_TESTS = ("ops", "networks", "training/test_losses.py", "training/test_loss_passes.py")
"""Folders and files whose tests make their tensors on the device of `--device`."""


class HostNumbers(TorchFunctionMode):
    """Numbers of a generator of the CPU are drawn there, and brought to the device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is None or "device" in kwargs:
            return function(*args, **kwargs)
        device = torch.get_default_device()
        with torch.device("cpu"):
            return function(*args, **kwargs).to(device)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """The device of `--device`, or the virtual GPU where none is named."""
    name = request.config.getoption("--device")
    if name in {"cpu", virtual_gpu.NAME}:
        with virtual_gpu.VirtualGpu("cpu"):
            yield torch.device(virtual_gpu.NAME)
        return
    try:
        yield choose_device(name)
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def default_device(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of `DEVICE_TESTS` run on the device of `--device`."""
    place = request.path.relative_to(Path(__file__).parent).as_posix()
    if request.config.getoption("--device") == "cpu" or not place.startswith(DEVICE_TESTS):
        yield
        return
    with request.getfixturevalue("device"), HostNumbers():
        yield


@pytest.fixture
def tiny_generator() -> Callable[..., Generator]:
    """A function that builds a small generator, whose noise inputs have an effect."""

    def build(*, noise_strength: float = 0.1, seed: int = 0, **fields) -> Generator:
        widths = {"z_dim": 8, "w_dim": 8, "layers": 2}
        mapping = MappingConfig(**(widths | fields.pop("mapping", {})))
        defaults = {"levels": 3, "max_channels": 8, "mapping": mapping}
        generator = build_generator(GeneratorConfig(**(defaults | fields)), seed=seed)
        set_noise_strength(generator, noise_strength)
        return generator

    return build


@pytest.fixture
def tiny_discriminator() -> Callable[..., ResidualDiscriminator]:
    """A function that builds a small discriminator."""

    def build(*, seed: int = 0, **fields) -> ResidualDiscriminator:
        defaults = {"levels": 3, "max_channels": 8}
        return build_discriminator(DiscriminatorConfig(**(defaults | fields)), seed=seed)

    return build


def set_noise_strength(network: nn.Module, value: float) -> None:
    """New networks ignore their noise (strength 0): tests of noise would pass for nothing."""
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            nn.init.constant_(parameter, value)


@pytest.fixture
def assert_equal_to_second_order() -> Callable[[Function, Function, Sequence[Tensor]], None]:
    """A function that holds two functions to equal values, first and second derivatives."""

    def check(first: Function, second: Function, inputs: Sequence[Tensor]) -> None:
        found, wanted = (up_to_second_order(f, inputs) for f in (first, second))
        for order, (a, b) in enumerate(zip(found, wanted, strict=True)):
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                torch.testing.assert_close(
                    x, y, rtol=1e-9, atol=1e-11, msg=lambda text, n=order: f"order {n}: {text}"
                )

    return check


def up_to_second_order(function: Function, inputs: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    """Value; derivatives by every input; derivatives of those by every input and the cotangent."""
    numbers = torch.Generator().manual_seed(1)
    inputs = [x.detach().double().requires_grad_() for x in inputs]
    y = function(*inputs)
    cotangent = torch.randn(y.shape, generator=numbers, dtype=y.dtype).requires_grad_()
    first = torch.autograd.grad(y, inputs, cotangent, create_graph=True)
    weights = [torch.randn(g.shape, generator=numbers, dtype=g.dtype) for g in first]
    total = sum((g * w).sum() for g, w in zip(first, weights, strict=True))
    second = torch.autograd.grad(
        total, [*inputs, cotangent], allow_unused=True, materialize_grads=True
    )
    return [(y.detach(),), tuple(g.detach() for g in first), second]
