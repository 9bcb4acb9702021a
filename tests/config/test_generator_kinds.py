import pytest
from pydantic import ValidationError

from stylesmith.config import AdaINConfig, GeneratorConfig
from stylesmith.errors import ConfigError

TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}
ADAIN = {"kind": "adain", "connection": "grow"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (ADAIN | {"connection": "skip"}, "kind adain needs connection=grow, got skip"),
        (TRADITIONAL | {"connection": "orig"}, "needs connection=grow, got orig"),
        (TRADITIONAL | {"constant_input": True}, "needs constant_input=false, got true"),
        (ADAIN | {"demodulate": False}, "kind adain needs demodulate=true, got false"),
        (ADAIN | {"spectral_norm": True}, "kind adain needs spectral_norm=false, got true"),
        (TRADITIONAL | {"spectral_norm": True}, "needs spectral_norm=false, got true"),
        ({"constant_input": False}, "kind modulated needs constant_input=true, got false"),
        ({"blur": False}, "kind modulated needs blur=true, got false"),
    ],
)
def test_parts_that_a_kind_does_not_have_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        GeneratorConfig(**fields)
    with pytest.raises(ConfigError, match=f"{message}$"):
        GeneratorConfig().change(**fields)


def test_a_change_of_kind_keeps_values_that_the_new_kind_may_refuse():
    with pytest.raises(ConfigError, match=r"^kind adain needs connection=grow, got skip$"):
        GeneratorConfig().change(kind="adain")
    changed = GeneratorConfig(levels=5, noise=False).change(kind="adain", connection="grow")
    assert changed == AdaINConfig(levels=5, noise=False)


@pytest.mark.parametrize("connection", ["grow", "orig", "skip", "resid", "multiscale"])
def test_modulated_networks_have_every_connection(connection):
    config = GeneratorConfig(connection=connection, demodulate=False, spectral_norm=True)
    assert (config.num_ws, len(config.noise_shapes)) == (18, 17)


def test_a_mapping_without_layers_cannot_change_the_length_of_z():
    with pytest.raises(ConfigError, match=r"w_dim must be 64 as z_dim is, got 512$"):
        GeneratorConfig().change(mapping={"layers": 0, "z_dim": 64})
    config = GeneratorConfig().change(mapping={"layers": 0, "z_dim": 64, "w_dim": 64})
    assert config.w_dim == 64


@pytest.mark.parametrize(("layers", "wanted"), [(0, 1024), (1, 512), (8, 512)])
def test_w_is_longer_only_where_a_label_is_joined_and_nothing_mixes_it(layers, wanted):
    config = GeneratorConfig(mapping={"layers": layers}, label_size=10)
    assert config.w_dim == wanted


def test_a_traditional_network_has_one_w_and_a_noise_map_per_layer_on_request():
    assert GeneratorConfig(**TRADITIONAL).num_ws == 1
    assert len(GeneratorConfig(**TRADITIONAL).noise_shapes) == 18
    assert GeneratorConfig(**TRADITIONAL, noise=False).noise_shapes == []
