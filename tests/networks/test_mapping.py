import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from stylesmith.config import GeneratorConfig, MappingConfig
from stylesmith.errors import UsageError
from stylesmith.networks import MappingNetwork, build_generator


def first_input(mapping: MappingNetwork, z: Tensor, label: Tensor | None) -> Tensor:
    seen: list[Tensor] = []
    mapping.layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    mapping(z, label)
    return seen[0]


def test_only_the_direction_of_z_counts():
    mapping, z = MappingNetwork(MappingConfig(z_dim=8, w_dim=8)), torch.randn(3, 8)
    assert_close(mapping(5 * z), mapping(z))
    assert (mapping(-z) - mapping(z)).abs().max() > 0.01


def test_z_and_w_may_have_different_lengths():
    assert MappingNetwork(MappingConfig(z_dim=8, w_dim=12))(torch.randn(3, 8)).shape == (3, 12)


def test_w_keeps_unit_energy_at_the_start():
    w = MappingNetwork(MappingConfig(z_dim=256, w_dim=256))(torch.randn(64, 256))
    assert 0.7 < w.square().mean() < 1.8


def test_concat_normalizes_z_and_label_together():
    mapping = MappingNetwork(MappingConfig(z_dim=8, w_dim=4), label_size=3)
    z, label = torch.randn(5, 8), torch.eye(3)[[0, 1, 2, 0, 1]]
    x = first_input(mapping, z, label)
    joined = torch.cat([z, mapping.label_weight[[0, 1, 2, 0, 1]]], dim=1)
    assert_close(x, joined / joined.square().mean(dim=1, keepdim=True).sqrt())


def test_embed_normalizes_z_and_label_apart():
    config = MappingConfig(z_dim=8, w_dim=4, label_mode="embed")
    mapping = MappingNetwork(config, label_size=3)
    z, label = torch.randn(5, 8), torch.eye(3)[[0, 1, 2, 0, 1]]
    x = first_input(mapping, z, label)
    for part, source in ((x[:, :8], z), (x[:, 8:], mapping.embed(label))):
        assert_close(part, source / source.square().mean(dim=1, keepdim=True).sqrt())


@pytest.mark.parametrize("mode", ["concat", "embed"])
def test_a_forgotten_label_is_refused(mode):
    config = MappingConfig(z_dim=8, w_dim=4, label_mode=mode)
    with pytest.raises(UsageError, match="without labels"):
        MappingNetwork(config, label_size=3)(torch.randn(2, 8))


def test_the_center_of_truncation_is_saved_but_not_trained():
    mapping = MappingNetwork(MappingConfig(z_dim=8, w_dim=4))
    assert "w_avg" in mapping.state_dict()
    assert "w_avg" not in dict(mapping.named_parameters())
    assert_close(mapping.w_avg, torch.zeros(4))


@pytest.mark.parametrize("kind", ["modulated", "adain", "traditional"])
def test_without_layers_an_embedded_label_is_a_part_of_w(kind):
    shape = {"adain": {"connection": "grow"}, "modulated": {}}.get(
        kind, {"connection": "grow", "constant_input": False}
    )
    config = GeneratorConfig(
        kind=kind,
        levels=2,
        channel_base=64,
        max_channels=8,
        label_size=3,
        mapping=MappingConfig(z_dim=8, w_dim=8, layers=0, label_mode="embed"),
        **shape,
    )
    assert config.w_dim == 16
    generator = build_generator(config)
    assert generator.sample([0], label=1).shape == (1, 3, 8, 8)
