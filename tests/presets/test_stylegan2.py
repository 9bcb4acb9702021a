"""StyleGAN2's rows: each is the one before plus the change that its table names."""

import pytest
import torch

from stylesmith.config import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    RunConfig,
    TrainingConfig,
)
from stylesmith.config.training import at_level
from stylesmith.networks import build_discriminator, build_generator, parameter_count
from stylesmith.presets import differences
from tests.presets.test_presets import SIZES, build

COUNTS = {
    ("a", 1024): (26_219_627, 23_087_249),
    ("b", 1024): (24_900_764, 23_087_249),
    ("c", 1024): (24_900_764, 23_087_249),
    ("d", 1024): (24_900_764, 23_087_249),
    ("e", 1024): (24_900_764, 24_038_161),
    ("e", 512): (24_860_935, 24_030_753),
    ("e", 256): (24_767_458, 24_001_089),
    ("f", 1024): (30_370_060, 29_012_513),
    ("f", 512): (30_276_583, 28_982_849),
    ("f", 256): (30_034_338, 28_864_129),
    ("e-gorig-dorig", 1024): (23_596_292, 23_077_137),
    ("e-gorig-dskip", 1024): (23_596_292, 23_087_249),
    ("e-gorig-dresid", 1024): (23_596_292, 24_038_161),
    ("e-gskip-dorig", 1024): (24_900_764, 23_077_137),
    ("e-gskip-dskip", 1024): (24_900_764, 23_087_249),
    ("e-gskip-dresid", 1024): (24_900_764, 24_038_161),
    ("e-gresid-dorig", 1024): (24_557_316, 23_077_137),
    ("e-gresid-dskip", 1024): (24_557_316, 23_087_249),
    ("e-gresid-dresid", 1024): (24_557_316, 24_038_161),
    ("f-sn-gd", 1024): (30_370_060, 29_012_513),
    ("f-no-demod", 1024): (30_370_060, 29_012_513),
    ("f-no-path", 1024): (30_370_060, 29_012_513),
}
"""Trainable parameters of generator and discriminator."""

WIDTHS = {"generator.channel_base": (16384, 32768), "discriminator.channel_base": (16384, 32768)}


def changes(first: str, second: str, size=(1024, 1024)) -> dict[str, tuple[object, object]]:
    """What differs between two presets for the same images."""
    return differences(build(first, size), build(second, size))


@pytest.mark.parametrize(("row", "side"), COUNTS)
def test_parameter_counts_are_those_of_the_paper(row, side):
    config = build(f"stylegan2-{row}", (side, side))
    with torch.device("meta"):
        found = build_generator(config.generator), build_discriminator(config.discriminator)
        assert tuple(map(parameter_count, found)) == COUNTS[row, side]


def test_a_is_stylegans_last_row_in_another_loop():
    changed = changes("stylegan-f", "stylegan2-a")
    batches = {"8": 256, "16": 128, "32": 64, "64": 32}
    assert changed.pop("training.batch_size")[1] == batches
    assert changed.pop("training.order") == ("discriminator_first", "generator_first")
    assert changed.keys() == {f"output.{name}_kimg" for name in ("log", "grid", "snapshot")}


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        (
            "a",
            "b",
            {
                "generator.kind": ("adain", "modulated"),
                "discriminator.resample": ("[1,2,1]", "[1,3,3,1]"),
            },
        ),
        ("b", "c", {"training.r1_interval": (1, 16)}),
        ("c", "d", {"training.path_weight": (0, 2)}),
        ("e", "f", WIDTHS | {"training.r1_gamma": (100, 10)}),
        ("a", "a-large", WIDTHS),
        ("e", "e-gskip-dresid", {}),
        ("e", "e-gorig-dresid", {"generator.connection": ("skip", "orig")}),
        ("e", "e-gskip-dorig", {"discriminator.connection": ("resid", "orig")}),
        (
            "e",
            "e-multiscale",
            {
                "generator.connection": ("skip", "multiscale"),
                "discriminator.connection": ("resid", "multiscale"),
            },
        ),
        ("f", "f-sn-g", {"generator.spectral_norm": (False, True)}),
        ("f", "f-sn-d", {"discriminator.spectral_norm": (False, True)}),
        ("f", "f-no-demod", {"generator.demodulate": (True, False)}),
        ("f", "f-no-path", {"training.path_weight": (2, 0)}),
    ],
)
@pytest.mark.parametrize("size", [(8, 8), (1024, 1024)], ids=str)
def test_a_row_is_another_one_plus_its_change(first, second, changed, size):
    assert changes(f"stylegan2-{first}", f"stylegan2-{second}", size) == changed


def test_e_is_d_without_growing():
    changed = changes("stylegan2-d", "stylegan2-e")
    growth = changed.pop("training.growth")
    assert growth == ({"start": 8, "train_kimg": 600, "fade_kimg": 600, "repeats": 4}, None)
    constants = {key: changed.pop(key)[1] for key in list(changed) if "connection" not in key}
    assert constants == {
        "training.batch_size": 32,
        "training.generator_lr": 0.002,
        "training.discriminator_lr": 0.002,
        "training.r1_gamma": 100,
        "output.log_kimg": 4,
        "output.grid_kimg": 40,
        "output.snapshot_kimg": 200,
    }
    assert changed == {
        "generator.connection": ("grow", "skip"),
        "discriminator.connection": ("grow", "resid"),
    }


def test_e_owes_nothing_to_the_rows_that_it_is_told_by():
    """Defaults are those of config F; E has half the width and ten times the gamma."""
    plain = RunConfig(
        preset="stylegan2-e",
        generator=GeneratorConfig(channel_base=16384),
        discriminator=DiscriminatorConfig(channel_base=16384),
        training=TrainingConfig(r1_gamma=100),
        data=DataConfig(size=(1024, 1024)),
    )
    assert build("stylegan2-e", (1024, 1024)) == plain


def test_the_growing_rows_follow_the_published_tables():
    training, output = (getattr(build("stylegan2-d"), part) for part in ("training", "output"))
    levels = range(1, 9)
    batches = [at_level(training.batch_size, level, 8) for level in levels]
    assert batches == [256, 128, 64, 32, 32, 32, 32, 32]
    ticks = [at_level(output.log_kimg, level, 8) for level in levels]
    assert ticks == [28, 24, 20, 16, 12, 8, 6, 4]
    for name in ("grid_kimg", "snapshot_kimg"):
        found = [at_level(getattr(output, name), level, 8) for level in levels]
        assert found == [10 * tick for tick in ticks]


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
