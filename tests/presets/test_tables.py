"""Every preset of the papers learns: all its passes, through all its levels, at 32x32."""

import pytest
import torch

from stylesmith.config import DataConfig, RunConfig
from stylesmith.data.loader import ImageBatch
from stylesmith.errors import ConfigError
from stylesmith.latents import RandomKeys
from stylesmith.presets import PRESETS, find_preset
from stylesmith.presets.own_presets import tiny
from stylesmith.training.schedule import Schedule
from stylesmith.training.train_state import TrainState
from stylesmith.training.train_step import TrainStep

CPU = torch.device("cpu")
BATCH = 2
ROWS = [preset.name for preset in PRESETS if preset.paper and not preset.data_set]
"""Presets of a data set have the networks and losses of these."""


class Noise:
    """Real images of noise, as a loader gives them."""

    def load_batch(self, positions, upcoming=()):
        generator = torch.Generator().manual_seed(positions[0])
        shape = (len(positions), 3, 32, 32)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return ImageBatch(pixels, torch.zeros(len(positions), 0))


def small(name: str) -> RunConfig:
    """A row at 32x32 with 32 channels, two images a step; a step trains a level, two fade it in."""
    config = find_preset(name).build(DataConfig(size=(32, 32)), CPU)
    layers = min(2, config.generator.mapping.layers)
    growth = config.training.growth and {
        "train_kimg": BATCH / 1000,
        "fade_kimg": 2 * BATCH / 1000,
        "repeats": 1,
    }
    return config.change(
        generator={"max_channels": 32, "mapping": {"layers": layers, "z_dim": 32, "w_dim": 32}},
        discriminator={"max_channels": 32},
        training={"batch_size": BATCH, "precision": "fp32", "growth": growth},
    )


def steps_to_learn_all(config: RunConfig) -> int:
    """Two steps with all levels in use."""
    growth = config.training.growth
    grown = growth.grown_kimg(config.generator.levels) if growth else 0
    return round(grown * 1000 / BATCH) + 2


def stats_wanted(config: RunConfig) -> set[str]:
    training = config.training
    expected = {"loss_g", "loss_d", "score_real", "score_fake"}
    expected |= {"r1"} if training.r1_gamma else set()
    expected |= {"wgan_penalty"} if training.loss == "wgan_gp" else set()
    return expected | ({"path_penalty"} if training.path_weight else set())


def left_out(config: RunConfig, weight: str) -> bool:
    """Whether it is in toRGB or fromRGB of 4x4, which nobody uses where growing starts above it."""
    growth, top = config.training.growth, config.generator.levels - 1
    if growth is None or not growth.start_level:
        return False
    names = ("synthesis.to_rgb.0.", "synthesis.blocks.0.to_rgb.", f"discriminator.from_rgb.{top}.")
    return any(name in weight for name in names)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_learns_in_all_its_passes_and_levels(name):
    config = small(name)
    state = TrainState.create(config, CPU)
    before = {key: tensor.clone() for key, tensor in state.tensors().items()}
    learner = TrainStep(config, state, Noise(), Schedule(config, processes=1), RandomKeys(0))
    seen = set()
    for _ in range(steps_to_learn_all(config)):
        stats = learner.step()
        assert stats is not None and all(value.isfinite() for value in stats.values())
        seen |= stats.keys()
    assert seen >= stats_wanted(config)
    assert learner.phase.growth.level == 3 and learner.phase.growth.fade == 1
    weights = [key for key in before if key.endswith(".weight") and "optimizer" not in key]
    still = {key for key in weights if torch.equal(before[key], state.tensors()[key])}
    assert still == {key for key in weights if left_out(config, key)}


def test_what_cannot_be_trained_is_refused():
    config = tiny(DataConfig(size=(32, 32)))
    with pytest.raises(ConfigError, match="a multiscale generator needs a multiscale discrim"):
        config.change(generator={"connection": "multiscale"})
    with pytest.raises(ConfigError, match="path length regularization needs a mapping network"):
        config.change(generator={"mapping": {"layers": 0}})
