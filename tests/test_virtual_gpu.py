"""The rules of CUDA, on a virtual GPU: devices never mix, and loops hardly copy or wait."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest
import torch

from stylesmith import devices
from stylesmith.choices import PathInterpolation
from stylesmith.config import DataConfig, RunConfig
from stylesmith.data.loader import ImageBatch
from stylesmith.figures.generator_smoothness import normalized_spectrum
from stylesmith.inversion import LatentOptimizer, ProjectionSettings
from stylesmith.inversion.latent_optimizer import WStatistics
from stylesmith.latents import RandomKeys
from stylesmith.metrics.extraction import (
    ProgressReporter,
    extract_statistics,
    path_length_samples,
)
from stylesmith.metrics.image_sources import ModelSource
from stylesmith.metrics.protocol import parse_metrics
from stylesmith.metrics.results import score_against_real
from stylesmith.networks import Generator, build_generator
from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
from stylesmith.perception.random_features import RandomFeatures
from stylesmith.presets import find_preset
from stylesmith.sampling import directions
from stylesmith.sampling.stochastic_variation import measure_noise_variation
from stylesmith.sampling.video import latent_path, noise_path, render_frames
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


FAMILIES = ["stylegan-a", "stylegan-e", "stylegan2-d", "stylegan2-f"]
"""A preset of each family of networks."""


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
    device: torch.device | str = virtual_gpu.NAME,
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


@pytest.mark.parametrize("preset", FAMILIES)
def test_a_step_copies_its_batch_and_waits_once(gpu, preset):
    step = make_step(preset, 32)
    for counts in (count(gpu, step) for _ in range(2)):
        places = step.config.training.loss == "wgan_gp"  # where it takes its penalties
        assert sum(counts.copies.values()) <= MAX_COPIES + places, counts.copies
        assert sum(counts.waits.values()) <= MAX_WAITS, counts.waits


def make_generator(
    preset: str = "stylegan2-f", size: int = 32, *, device: torch.device | str = virtual_gpu.NAME
) -> Generator:
    """A network of the preset's family, which draws."""
    config = find_preset(preset).build(DataConfig(size=(size, size)), torch.device("cpu"))
    mapping = {"z_dim": 16, "w_dim": 16, "layers": 2}
    config = config.change(generator={"max_channels": 16, "mapping": mapping})
    generator = build_generator(config.generator).to(torch.device(device))
    return generator.requires_grad_(False)


def totals(gpu: VirtualGpu) -> tuple[int, int]:
    """Copies and waits since the last call."""
    counts, gpu.counts = gpu.counts, Counts()
    return sum(counts.copies.values()), sum(counts.waits.values())


@pytest.mark.parametrize("preset", FAMILIES)
def test_a_sampling_batch_copies_its_latents_and_waits_once(gpu, preset):
    pipeline = SamplingPipeline(make_generator(preset), SamplingSettings(psi=0.7))
    totals(gpu)
    pipeline.draw(pipeline.codes(range(4)))
    assert totals(gpu) == (1, 1)  # the wait: whether all numbers are finite


@pytest.mark.parametrize("preset", FAMILIES)
def test_a_projection_step_copies_its_noise_and_waits_for_nothing(gpu, preset):
    extractor = RandomFeatures(torch.device(virtual_gpu.NAME))
    generator, settings = make_generator(preset), ProjectionSettings(steps=20)
    known = WStatistics(generator.mapping.w_avg, 1.0)  # which would else be sampled
    optimizer = LatentOptimizer(generator, extractor, settings, statistics=known)
    state, features = optimizer.initial_state(2), optimizer.embed(torch.zeros(2, 3, 32, 32))
    state = optimizer.step(optimizer.evaluate(state, features), features)
    totals(gpu)
    state = optimizer.step(state, features)
    assert totals(gpu) == (1, 0)
    optimizer.evaluate(state, features)
    optimizer.finished(state)
    assert totals(gpu) == (0, 0)


@pytest.mark.parametrize("preset", FAMILIES)
def test_an_evaluation_batch_brings_latents_and_takes_features(gpu, preset):
    place = torch.device(virtual_gpu.NAME)
    source, extractor = ModelSource(make_generator(preset), "model"), RandomFeatures(place)
    extractor.features(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))  # brings its weights
    totals(gpu)
    extract_statistics(source, extractor, {8}, 8, ProgressReporter(), device=place)
    assert totals(gpu) == (2, 0)


@pytest.fixture
def single_gpu(monkeypatch) -> Iterator[VirtualGpu]:
    """A device without float64, as Apple's are; it computes."""
    monkeypatch.setattr(devices, "has_float64", lambda device: device.type != virtual_gpu.NAME)
    with VirtualGpu("cpu", has_float64=False) as device:
        yield device


def test_videos_noise_and_directions_need_no_float64(single_gpu):
    pipeline = SamplingPipeline(make_generator(), SamplingSettings(psi=0.7))
    paths = [latent_path(pipeline, [0, 1, 2], way) for way in get_args(PathInterpolation)]
    paths.append(noise_path(pipeline, 0))
    for path in paths:
        frames = render_frames(pipeline, [path], keyframes=3, frames_per_keyframe=2)
        assert torch.stack(list(frames)).isfinite().all()
    assert measure_noise_variation(pipeline, 0, draws=2).std.dtype == torch.float64
    found = [*directions.sefa_directions(pipeline), *directions.pca_directions(pipeline)]
    found += [directions.channel_direction(pipeline, "2", 1)]
    found += [directions.boundary_direction(pipeline, torch.ones(16), name="ones")]
    assert all(math.isfinite(direction.unit) for direction in found)
    assert normalized_spectrum(pipeline, pipeline.ws([0])[0, 0]).isfinite().all()


def test_metrics_need_no_float64(single_gpu):
    place = torch.device(virtual_gpu.NAME)
    generator, extractor = make_generator(), RandomFeatures(place)
    source, reporter = ModelSource(generator, "model"), ProgressReporter()
    other = replace(source, role="real")
    fake, real = (
        extract_statistics(one, extractor, {8}, 8, reporter, device=place)
        for one in (source, other)
    )
    for metric in parse_metrics("fd_8,kd_8,pr_8_3,nearest_8", extractor="random", protocol="paper"):
        found = score_against_real(metric, real, fake, 8, device=place).values
        assert all(map(math.isfinite, found.values()))
    names = "ppl_zfull_2,ppl2_wend_2,ppl_image_2"
    for metric in parse_metrics(names, extractor="random", protocol="paper"):
        lengths = path_length_samples(source, extractor, metric, reporter)
        assert (lengths > 0).all()


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
