"""Every preset builds, at every size, and says what the papers say."""

import pytest
import torch

from stylesmith.config import DataConfig, RunConfig, base_grid
from stylesmith.errors import ConfigError
from stylesmith.networks import build_discriminator, build_generator
from stylesmith.presets import PRESETS, find_preset

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SIZES = [(8, 8), (32, 32), (256, 256), (384, 512), (1024, 1024)]
NAMES = [preset.name for preset in PRESETS]


def build(name: str, size=(256, 256), device=CPU, **data) -> RunConfig:
    return find_preset(name).build(DataConfig(size=size, **data), device)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 4])
def test_every_preset_builds_at_every_size(name, size, channels):
    config = build(name, size, channels=channels, label_size=3)
    assert config.preset == name
    with torch.device("meta"):
        generator = build_generator(config.generator)
        discriminator = build_discriminator(config.discriminator)
        labels = torch.empty(2, 3)
        images = generator(torch.empty(2, config.generator.mapping.z_dim), labels)
        assert images.shape == (2, channels, *size)
        assert discriminator(images, labels).shape == (2,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("device", [CPU, GPU], ids=str)
def test_every_preset_reads_back_from_its_json(name, device):
    config = build(name, device=device)
    assert RunConfig.from_json(config.model_dump_json(), source=name) == config


def test_names_are_unique_and_described():
    assert len(set(NAMES)) == len(NAMES)
    for preset in PRESETS:
        assert preset.summary and preset.source
        base_grid(preset.example_size, preset.example_size)


@pytest.mark.parametrize(
    ("typed", "offered"), [("stylegan2_f", "stylegan2-f"), ("autoo", "auto"), ("Tiny", "tiny")]
)
def test_an_unknown_name_gets_the_nearest(typed, offered):
    with pytest.raises(ConfigError, match=f"{typed!r}: .* Did you mean {offered}"):
        find_preset(typed)


def test_a_name_like_none_gets_them_all():
    with pytest.raises(ConfigError, match=", ".join(NAMES)):
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


def test_auto_is_smaller_on_a_cpu():
    on_cpu, on_gpu = build("auto", device=CPU), build("auto", device=GPU)
    assert on_cpu.generator.channel_base < on_gpu.generator.channel_base
    assert (on_cpu.training.path_weight, on_gpu.training.path_weight) == (0, 2)


def test_f_is_e_with_larger_networks_and_gamma_10():
    e, f = build("stylegan2-e"), build("stylegan2-f")
    assert (e.training.r1_gamma, f.training.r1_gamma) == (100, 10)
    widths = {"channel_base": 32768}
    changed = e.change(
        preset="stylegan2-f", generator=widths, discriminator=widths, training={"r1_gamma": 10.0}
    )
    assert changed == f


def test_paper_gammas_do_not_follow_the_size():
    assert {build("stylegan2-f", size).training.r1_gamma for size in SIZES} == {10}


@pytest.mark.parametrize("name", ["stylegan2-e", "stylegan2-f"])
def test_settings_of_the_paper(name):
    """StyleGAN2, appendix B: rates, decays, intervals, averaging and mixing."""
    config = build(name, (1024, 1024))
    training, mapping = config.training, config.generator.mapping
    assert (training.generator_lr, training.discriminator_lr) == (0.002, 0.002)
    assert (training.beta1, training.beta2) == (0.0, 0.99)
    assert (training.batch_size, training.kimg) == (32, 25000)
    assert (training.r1_interval, training.path_interval) == (16, 4)
    assert (training.path_weight, training.path_decay, training.path_batch_shrink) == (2, 0.01, 2)
    assert (training.style_mixing, training.ema_kimg, training.ema_rampup) == (0.9, 10, None)
    assert (mapping.layers, mapping.lr_multiplier, mapping.z_dim, mapping.w_dim) == (
        8,
        0.01,
        512,
        512,
    )
    assert config.discriminator.stddev_group == 4
