"""Every preset builds, at every size, and says what the papers say."""

import functools

import pytest
import torch

from stylesmith.config import DataConfig, DiscriminatorConfig, GeneratorConfig, RunConfig
from stylesmith.devices import FP32
from stylesmith.errors import ConfigError
from stylesmith.networks import build_discriminator, build_generator
from stylesmith.presets import PRESETS, find_preset
from stylesmith.training.loss_passes import LatentBatch, Networks

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SIZES = [(8, 8), (32, 32), (256, 256), (384, 512), (1024, 1024)]
NAMES = [preset.name for preset in PRESETS]
ANY_DATA = [preset.name for preset in PRESETS if not preset.data_set]


def build(name: str, size=(256, 256), device=CPU, **data) -> RunConfig:
    return find_preset(name).build(DataConfig(size=size, **data), device)


@functools.cache  # many presets share their networks
def shapes(
    generator_config: GeneratorConfig, discriminator_config: DiscriminatorConfig
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of images and of their scores, found on the meta device."""
    with torch.device("meta"):
        generator = build_generator(generator_config)
        networks = Networks(generator, build_discriminator(discriminator_config), FP32)
        z, label = torch.empty(2, generator_config.mapping.z_dim), None
        if generator_config.label_size:
            label = torch.empty(2, generator_config.label_size)
        latents = LatentBatch(z, z, None, generator.synthesis.fixed_noise, label)
        views = networks.generate(generator.broadcast(generator.mapping(z, label)), latents)
        return tuple(views[-1].shape), tuple(networks.score(views, label).shape)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_builds_at_the_papers_size(name):
    size = find_preset(name).example_size
    config = build(name, size)
    assert config.preset == name
    assert shapes(config.generator, config.discriminator) == ((2, 3, *size), (2,))


@pytest.mark.parametrize("name", ANY_DATA)
@pytest.mark.parametrize("size", [(8, 8), (96, 128)], ids=str)
def test_presets_without_a_data_set_take_any_images(name, size):
    config = build(name, size, channels=4, label_size=3)
    assert shapes(config.generator, config.discriminator) == ((2, 4, *size), (2,))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("device", [CPU, GPU], ids=str)
def test_every_preset_reads_back_from_its_json(name, device):
    config = build(name, find_preset(name).example_size, device)
    assert RunConfig.from_json(config.model_dump_json(), source=name) == config


def test_names_are_unique_and_described():
    assert len(set(NAMES)) == len(NAMES)
    for preset in PRESETS:
        assert preset.summary
        assert preset.name.startswith(f"{preset.paper.lower()}-") == bool(preset.source)


@pytest.mark.parametrize(
    ("typed", "offered"), [("stylegan2_f", "stylegan2-f"), ("autoo", "auto"), ("Tiny", "tiny")]
)
def test_an_unknown_name_gets_the_nearest(typed, offered):
    with pytest.raises(ConfigError, match=f"{typed!r}: .* Did you mean {offered}"):
        find_preset(typed)


def test_a_name_like_none_gets_the_command_that_lists_them():
    with pytest.raises(ConfigError, match=r"no such preset[.] `stylesmith presets` lists all"):
        find_preset("xyzzy")


@pytest.mark.parametrize("device", [CPU, GPU], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gamma_of_auto_follows_its_formula(size, device):
    training = build("auto", size, device).training
    assert training.r1_gamma == pytest.approx(2e-4 * size[0] * size[1] / training.batch_size)


@pytest.mark.parametrize(
    ("side", "batch", "lr", "channel_base"),
    [(64, 32, 0.0025, 16384), (256, 16, 0.0025, 16384), (512, 8, 0.0025, 32768)]
    + [(1024, 8, 0.002, 32768)],
)
def test_auto_follows_stylegan2_ada_on_a_gpu(side, batch, lr, channel_base):
    config = build("auto", (side, side), GPU)
    training = config.training
    assert (training.batch_size, training.generator_lr) == (batch, lr)
    assert training.discriminator_lr == lr
    assert config.generator.channel_base == config.discriminator.channel_base == channel_base
    assert config.generator.mapping.layers == 2
    assert training.ema_kimg == pytest.approx(batch * 10 / 32)
    assert training.ema_rampup == 0.05


@pytest.mark.parametrize("processes", [1, 2, 3, 8, 32])
@pytest.mark.parametrize("device", [CPU, GPU], ids=str)
@pytest.mark.parametrize("side", [64, 256, 1024])
def test_auto_sees_the_number_of_processes(side, device, processes):
    config = find_preset("auto").build(DataConfig(size=(side, side)), device, processes)
    training, group = config.training, config.discriminator.stddev_group
    share, rest = divmod(training.batch_size, processes)
    assert rest == 0 and share >= group
    assert training.batch_size <= max(64, group * processes)
    assert training.r1_gamma == pytest.approx(2e-4 * side**2 / training.batch_size)
    if device == GPU:
        assert training.ema_kimg == pytest.approx(training.batch_size * 10 / 32)


def test_other_presets_do_not_see_it():
    data = DataConfig(size=(64, 64))
    for name in ("stylegan2-f", "stylegan-a", "tiny"):
        assert find_preset(name).build(data, GPU, 8) == find_preset(name).build(data, GPU)


def test_auto_is_smaller_on_a_cpu():
    on_cpu, on_gpu = build("auto", device=CPU), build("auto", device=GPU)
    assert on_cpu.generator.channel_base < on_gpu.generator.channel_base
    assert (on_cpu.training.path_weight, on_gpu.training.path_weight) == (0, 2)
