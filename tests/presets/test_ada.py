"""StyleGAN2-ADA's configurations, setting by setting as they are published."""

import pytest
import torch

from stylesmith.config import DataConfig
from stylesmith.presets import find_preset

NAMES = (
    *("kimg", "batch_size", "micro_batch", "generator_lr", "r1_gamma", "ema_kimg", "ema_rampup"),
    *("stddev_group", "channel_base", "layers"),
)
PUBLISHED = {
    "paper256": (25000, 64, 8, 0.0025, 1, 20, None, 8, 16384, 8),
    "paper512": (25000, 64, 8, 0.0025, 0.5, 20, None, 8, 32768, 8),
    "paper1024": (25000, 32, 4, 0.002, 2, 10, None, 4, 32768, 8),
    "cifar": (100000, 64, 32, 0.0025, 0.01, 500, 0.05, 32, 32768, 2),
}
AUTO = {
    256: (25000, 16, 16, 0.0025, 0.8192, 5, 0.05, 4, 16384, 2),
    512: (25000, 8, 8, 0.0025, 6.5536, 2.5, 0.05, 4, 32768, 2),
    1024: (25000, 4, 4, 0.002, 52.4288, 1.25, 0.05, 4, 32768, 2),
}


def build(name: str, size: int = 256, **data):
    config = DataConfig(size=(size, size), **data)
    return find_preset(f"stylegan2-ada-{name}").build(config, torch.device("cpu"))


def settings_of(config) -> dict[str, object]:
    training = config.training.model_dump()
    networks = {
        "stddev_group": config.discriminator.stddev_group,
        "channel_base": config.generator.channel_base,
        "layers": config.generator.mapping.layers,
    }
    assert config.discriminator.channel_base == config.generator.channel_base
    assert training["discriminator_lr"] == training["generator_lr"]
    return {name: (training | networks)[name] for name in NAMES}


@pytest.mark.parametrize("name", PUBLISHED)
def test_settings_are_the_published_ones(name):
    found = settings_of(build(name))
    assert found == pytest.approx(dict(zip(NAMES, PUBLISHED[name], strict=True)))


@pytest.mark.parametrize("size", AUTO)
def test_auto_follows_the_size(size):
    found = settings_of(build("auto", size))
    assert found == pytest.approx(dict(zip(NAMES, AUTO[size], strict=True)))


@pytest.mark.parametrize("name", [*PUBLISHED, "auto"])
def test_all_augment_and_share_the_rest(name):
    config = build(name)
    training, strength = config.training, config.training.strength
    assert training.augment and training.augment.describe() == "ada (bgc)"
    assert (strength.signal, strength.target_value, strength.interval) == ("r_t", 0.6, 4)
    assert (strength.kimg, strength.initial) == (500, 0)
    assert (training.beta1, training.beta2, training.loss) == (0, 0.99, "logistic")
    assert (config.generator.max_channels, config.generator.connection) == (512, "skip")
    for_cifar = name == "cifar"
    assert config.discriminator.connection == ("orig" if for_cifar else "resid")
    assert (training.path_weight, training.style_mixing) == ((0, 0) if for_cifar else (2, 0.9))
    assert (training.r1_interval, training.path_interval) == (16, 4)


def test_labels_are_embedded_and_projected():
    config = build("cifar", 32, label_size=10)
    assert config.generator.mapping.label_mode == "embed"
    assert config.discriminator.label_mode == "projection"
    plain = build("cifar", 32)
    assert plain.generator.mapping.label_mode == "concat"
