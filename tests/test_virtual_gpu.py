"""The rules of CUDA, on a virtual GPU: devices never mix, and a step hardly copies or waits."""

from collections.abc import Iterator

import pytest
import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.data.loader import ImageBatch
from stylesmith.latents import RandomKeys
from stylesmith.presets import find_preset
from stylesmith.training import train_state
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState
from stylesmith.training.train_step import TrainStep
from tests import virtual_gpu
from tests.virtual_gpu import Counts, VirtualGpu

MAX_COPIES = 2
"""Of a step: the images and their labels."""

MAX_WAITS = 1
"""Of a step: whether it was finite."""


MAX_LAUNCHES_F_256 = 3505
"""Kernels that an average step of `stylegan2-f` at 256x256 starts; may only fall."""


class RandomImages:
    """A loader of random images: on the CPU, as the real one's are."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def load_batch(self, positions, upcoming=()) -> ImageBatch:
        numbers = torch.Generator().manual_seed(positions[0])
        shape = (len(positions), *self.shape)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=numbers)
        return ImageBatch(images, torch.zeros(len(positions), 0))


def make_step(
    preset: str,
    size: int,
    *,
    device: str = virtual_gpu.NAME,
    max_channels: int | None = None,
    **training,
) -> TrainStep:
    config: RunConfig = find_preset(preset).build(
        DataConfig(size=(size, size)), torch.device("cpu")
    )
    config = config.change(training={"precision": "bf16"} | training)
    if max_channels:
        width = {"max_channels": max_channels}
        config = config.change(generator=width, discriminator=width)
    state = TrainState.create(config, torch.device(device))
    schedule, keys = Schedule(config, processes=1), RandomKeys(0)
    return TrainStep(config, state, RandomImages((3, size, size)), schedule, keys)


def count(gpu: VirtualGpu, step: TrainStep) -> Counts:
    gpu.counts = Counts()
    assert step.step() is not None
    return gpu.counts


@pytest.fixture
def gpu(monkeypatch) -> Iterator[VirtualGpu]:
    monkeypatch.setattr(train_state, "has_fused_adam", lambda device: True)
    with VirtualGpu("meta") as device:
        yield device


def average_launches(gpu: VirtualGpu, step: TrainStep) -> float:
    """Launches of a step with its share of the penalties, which steps 0 and 4 of 16 add."""
    both, plain, *_, path = (sum(count(gpu, step).launches.values()) for _ in range(5))
    return plain + (path - plain) / 4 + (both - path) / 16


def test_an_average_step_of_f_256_launches_no_more_than_before(gpu):
    step = make_step("stylegan2-f", 256, batch_size=32, micro_batch=32)
    assert average_launches(gpu, step) <= MAX_LAUNCHES_F_256


@pytest.mark.parametrize("preset", ["stylegan-a", "stylegan-e", "stylegan2-d", "stylegan2-f"])
def test_a_step_copies_its_batch_and_waits_once(gpu, preset):
    step = make_step(preset, 32)
    for counts in (count(gpu, step) for _ in range(2)):
        places = step.config.training.loss == "wgan_gp"  # where it takes its penalties
        assert sum(counts.copies.values()) <= MAX_COPIES + places, counts.copies
        assert sum(counts.waits.values()) <= MAX_WAITS, counts.waits


def test_a_step_gives_the_numbers_of_the_cpu(monkeypatch):
    monkeypatch.setattr(train_state, "has_fused_adam", lambda device: True)
    small = {"max_channels": 16, "batch_size": 4, "precision": "fp32"}
    expected = make_step("stylegan2-e", 16, device="cpu", **small)
    wanted = expected.step()
    with VirtualGpu("cpu"):
        step = make_step("stylegan2-e", 16, **small)
        found = {name: value.cpu() for name, value in step.step().items()}
        weights = [value.cpu() for value in step.state.generator.state_dict().values()]
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
    reference = expected.state.generator.state_dict().values()
    for value, other in zip(weights, reference, strict=True):
        torch.testing.assert_close(value, other, rtol=1e-3, atol=1e-4)


def test_devices_do_not_mix(gpu):
    here, there = torch.zeros(3), torch.zeros(3, device=virtual_gpu.NAME)
    with pytest.raises(RuntimeError, match="tensors of vgpu and cpu"):
        there + here
    with pytest.raises(TypeError, match="to numpy"):
        there.numpy()
    assert (there + torch.zeros(())).device.type == virtual_gpu.NAME  # a number, as on CUDA
    there[torch.tensor([0])]
    float(there.sum())
    assert gpu.counts.copies == {"h2d outside": 1}
    assert gpu.counts.waits == {"outside": 1}


def test_a_device_without_float64_refuses_it():
    with VirtualGpu("meta", has_float64=False), pytest.raises(TypeError, match="float64"):
        torch.zeros(3, device=virtual_gpu.NAME).double()
