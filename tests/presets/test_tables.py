"""The rows of the papers' tables: what they change, how large they are, and that they learn."""

import pytest
import torch

from stylesmith.config import DataConfig
from stylesmith.data.loader import Batch
from stylesmith.errors import ConfigError
from stylesmith.latents import RandomKeys
from stylesmith.networks import build_discriminator, build_generator, parameter_count
from stylesmith.presets import PRESETS, find_preset
from stylesmith.presets.small import tiny
from stylesmith.presets.stylegan2 import CONNECTIONS
from stylesmith.training.layout import BatchLayout
from stylesmith.training.learner import Learner
from stylesmith.training.state import TrainState

CPU = torch.device("cpu")
G_COUNTS = {"orig": 23_596_292, "skip": 24_900_764, "resid": 24_557_316}
D_COUNTS = {"orig": 23_077_137, "skip": 23_087_249, "resid": 24_038_161}
TABLES = [p.name for p in PRESETS if p.source in ("StyleGAN2, Table 2", "StyleGAN2, Table 4")]


@pytest.mark.parametrize("generator", CONNECTIONS)
@pytest.mark.parametrize("discriminator", CONNECTIONS)
def test_table_2_has_the_papers_parameter_counts(generator, discriminator):
    preset = find_preset(f"stylegan2-e-g{generator}-d{discriminator}")
    config = preset.build(DataConfig(size=(1024, 1024)), CPU)
    with torch.device("meta"):
        assert parameter_count(build_generator(config.generator)) == G_COUNTS[generator]
        assert parameter_count(build_discriminator(config.discriminator)) == D_COUNTS[discriminator]


def test_there_are_nine_rows_of_table_2_and_five_of_table_4():
    assert len(TABLES) == 14


class Noise:
    """Real images of noise, as a loader gives them."""

    def take(self, positions, upcoming=()):
        generator = torch.Generator().manual_seed(positions[0])
        shape = (len(positions), 3, 32, 32)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return Batch(pixels, torch.zeros(len(positions), 0))


@pytest.mark.parametrize("name", TABLES)
def test_a_row_learns_through_all_four_passes(name):
    config = find_preset(name).build(DataConfig(size=(32, 32)), CPU)
    narrow = {"max_channels": 32}
    config = config.change(
        generator={**narrow, "mapping": {"layers": 2, "z_dim": 32, "w_dim": 32}},
        discriminator=narrow,
        training={"batch_size": 4, "precision": "fp32"},
    )
    state = TrainState.create(config, CPU)
    before = {key: tensor.clone() for key, tensor in state.tensors().items()}
    learner = Learner(config, state, Noise(), BatchLayout(4, 4, 1), RandomKeys(0))
    for _ in range(2):
        stats = learner.step()
        assert stats is not None and all(value.isfinite() for value in stats.values())
    weights = [key for key in before if key.endswith(".weight") and "optimizer" not in key]
    still = [key for key in weights if torch.equal(before[key], state.tensors()[key])]
    assert still == []


def test_what_cannot_be_trained_is_refused():
    config = tiny(DataConfig(size=(32, 32)))
    with pytest.raises(ConfigError, match="multiscale pair can be built, but not trained yet"):
        config.change(generator={"connection": "multiscale"})
    with pytest.raises(ConfigError, match="path length regularization needs a mapping network"):
        config.change(generator={"mapping": {"layers": 0}})
