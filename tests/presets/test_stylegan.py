"""StyleGAN's rows: each is the one before plus the change that its table names."""

import pytest
import torch

from stylesmith.config.training import at_level
from stylesmith.networks import build_discriminator, build_generator, parameter_count
from tests.presets.test_presets import build
from tests.presets.test_stylegan2 import changes

D_COUNT = 23_087_249
G_COUNTS = {
    "stylegan-a": 23_079_115,
    "stylegan-b": 23_079_115,
    "stylegan-c": 30_400_651,
    "stylegan-d": 26_214_539,
    "stylegan-e": 26_219_627,
    "stylegan-f": 26_219_627,
    "stylegan-f-mix50": 26_219_627,
    "stylegan-b-map0": 23_079_115,
    "stylegan-b-map8": 25_180_363,
    "stylegan-f-map0": 24_118_379,
    "stylegan-f-map1": 24_381_035,
    "stylegan-f-map2": 24_643_691,
    "stylegan-f-map8": 26_219_627,
}
RATES = {"4": 0.001, "128": 0.0015, "256": 0.002, "512": 0.003}
"""From B on; what entry holds where is tested below."""


@pytest.mark.parametrize("name", G_COUNTS)
def test_parameter_counts_are_those_of_the_paper(name):
    config = build(name, (1024, 1024))
    with torch.device("meta"):
        assert parameter_count(build_generator(config.generator)) == G_COUNTS[name]
        assert parameter_count(build_discriminator(config.discriminator)) == D_COUNT


@pytest.mark.parametrize(
    ("side", "generator", "discriminator"),
    [(512, 26_179_768, 23_080_225), (256, 26_086_229, 23_052_353)],
)
def test_row_f_has_the_papers_counts_at_lower_sizes(side, generator, discriminator):
    config = build("stylegan-f", (side, side))
    with torch.device("meta"):
        assert parameter_count(build_generator(config.generator)) == generator
        assert parameter_count(build_discriminator(config.discriminator)) == discriminator


def test_a_is_progan():
    config = build("stylegan-a", (1024, 1024))
    generator, training = config.generator, config.training
    assert (generator.kind, generator.connection) == ("traditional", "grow")
    assert not (generator.constant_input or generator.noise or generator.blur)
    assert generator.mapping.layers == 0
    assert (config.discriminator.connection, config.discriminator.resample) == ("grow", "box")
    assert (training.loss, training.wgan_penalty, training.wgan_drift) == ("wgan_gp", 10, 0.001)
    assert (training.r1_gamma, training.path_weight, training.style_mixing) == (0, 0, 0)
    assert (training.kimg, training.order) == (12000, "discriminator_first")
    growth = training.growth
    assert (growth.start, growth.train_kimg, growth.fade_kimg, growth.repeats) == (4, 600, 600, 4)
    assert growth.grown_kimg(generator.levels) == 9600
    assert (training.ema_kimg, training.ema_rampup) == (10, None)
    assert (training.beta1, training.beta2) == (0, 0.99)


def test_b_tunes_a():
    changed = changes("stylegan-a", "stylegan-b")
    rates = [changed.pop(f"training.{network}_lr") for network in ("generator", "discriminator")]
    assert [new for _, new in rates] == [RATES, RATES]
    assert changed == {
        "generator.blur": (False, True),
        "discriminator.resample": ("box", "[1,2,1]"),
        "training.kimg": (12000, 25000),
        "training.growth.start": (4, 8),
        "training.loss": ("wgan_gp", "logistic"),
        "training.r1_gamma": (0, 10),
    }
    training = build("stylegan-b").training
    assert training.r1_interval == 1
    assert training.growth.grown_kimg(9) == 8400


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        (
            "b",
            "c",
            {"generator.kind": ("traditional", "adain"), "generator.mapping.layers": (0, 8)},
        ),
        ("c", "d", {"generator.constant_input": (False, True)}),
        ("d", "e", {"generator.noise": (False, True)}),
        ("e", "f", {"training.style_mixing": (0, 0.9)}),
        ("e", "f-mix0", {}),
        ("f", "f-mix50", {"training.style_mixing": (0.9, 0.5)}),
        ("f", "f-mix90", {}),
        ("f", "f-mix100", {"training.style_mixing": (0.9, 1)}),
        ("b", "b-map0", {}),
        ("b", "b-map8", {"generator.mapping.layers": (0, 8)}),
        ("f", "f-map0", {"generator.mapping.layers": (8, 0)}),
        ("f", "f-map1", {"generator.mapping.layers": (8, 1)}),
        ("f", "f-map2", {"generator.mapping.layers": (8, 2)}),
        ("f", "f-map8", {}),
    ],
)
@pytest.mark.parametrize("size", [(8, 8), (1024, 1024)], ids=str)
def test_a_row_is_another_one_plus_its_change(first, second, changed, size):
    assert changes(f"stylegan-{first}", f"stylegan-{second}", size) == changed


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (1, [128, 128, 128, 64, 32, 16, 8, 4, 4]),
        (2, [256, 256, 128, 64, 32, 16, 8, 8, 8]),
        (4, [512, 256, 128, 64, 32, 16, 16, 16, 16]),
        (8, [512, 256, 128, 64, 32, 32, 32, 32, 32]),
    ],
)
@pytest.mark.parametrize("name", ["stylegan-a", "stylegan-f"])
def test_batch_sizes_from_4_to_1024_follow_the_published_table(name, devices, expected):
    table = build(name).training.batch_size
    assert [at_level(table, level, devices) for level in range(9)] == expected


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        (1, [0.001] * 8 + [0.0015]),
        (2, [0.001] * 7 + [0.0015, 0.002]),
        (4, [0.001] * 6 + [0.0015, 0.002, 0.003]),
        (8, [0.001] * 5 + [0.0015, 0.002, 0.003, 0.003]),
    ],
)
def test_rates_of_progan_depend_on_the_gpus_and_those_of_stylegan_do_not(devices, expected):
    a, f = build("stylegan-a").training, build("stylegan-f").training
    for name in ("generator_lr", "discriminator_lr"):
        assert [at_level(getattr(a, name), level, devices) for level in range(9)] == expected
        found = [at_level(getattr(f, name), level, devices) for level in range(9)]
        assert found == [0.001] * 5 + [0.0015, 0.002, 0.003, 0.003]


def test_log_lines_follow_the_published_ticks():
    output = build("stylegan-f").output
    ticks = [at_level(output.log_kimg, level, 8) for level in range(9)]
    assert ticks == [160, 140, 120, 100, 80, 60, 40, 30, 20]
    assert [at_level(output.grid_kimg, level, 8) for level in range(9)] == ticks
    snapshots = [at_level(output.snapshot_kimg, level, 8) for level in range(9)]
    assert snapshots == [10 * tick for tick in ticks]
