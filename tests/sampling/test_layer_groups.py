"""Layers by number and by name, in networks of any size."""

import pytest

from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.networks.layer_indices import (
    format_layers,
    noise_layers,
    ws_rows,
)
from stylesmith.sampling.parsing import parse_layers

ADAIN = {"kind": "adain", "connection": "grow"}
TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}


@pytest.mark.parametrize("levels", range(2, 13))
@pytest.mark.parametrize("base", [(4, 4), (3, 4)])
def test_names_part_the_layers_of_any_size(levels, base):
    config = GeneratorConfig(levels=levels, base=base)
    named = config.layer_groups()
    assert sorted(layer for span in named.values() for layer in span) == list(range(2 * levels))
    every = parse_layers(",".join(named), config, option="--styles")
    assert every == parse_layers("all", config, option="--styles") == tuple(range(2 * levels))


def test_names_are_those_of_the_paper_at_1024():
    named = GeneratorConfig(levels=9).layer_groups()
    assert {name: format_layers(span) for name, span in named.items()} == {
        "coarse": "0-3",
        "middle": "4-7",
        "fine": "8-17",
    }


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("0", (0,)),
        ("2-4,0", (0, 2, 3, 4)),
        ("coarse, 7", (0, 1, 2, 3, 7)),
        ("Middle,4-5", (4, 5, 6, 7)),
    ],
)
def test_layers_are_numbers_ranges_and_names(text, layers):
    config = GeneratorConfig(levels=5)
    assert parse_layers(text, config, option="--styles") == layers
    assert parse_layers(format_layers(layers), config, option="--styles") == layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6", "this network has the layers 0-5: coarse 0-3, middle 4-5"),
        ("4-8", "this network has the layers 0-5"),
        ("fine", "no fine layers; this network has the layers 0-5: coarse 0-3, middle 4-5"),
        ("3-1", "the range 3-1 runs backwards"),
        ("", "wanted numbers, ranges or names"),
        ("-1", "wanted numbers, ranges or names"),
        ("rough", "wanted numbers, ranges or names"),
    ],
)
def test_layers_that_are_not_there_are_refused(text, message):
    with pytest.raises(UsageError, match=f"--styles '{text}': {message}"):
        parse_layers(text, GeneratorConfig(levels=3), option="--styles")


@pytest.mark.parametrize("fields", [{}, ADAIN, TRADITIONAL])
def test_each_noise_map_has_the_layer_of_its_size(fields):
    config = GeneratorConfig(levels=4, **fields)
    layers = noise_layers(config)
    assert len(layers) == len(config.noise_shapes) and layers[-1] < config.num_layers()
    offset = 1 if not fields else 0  # StyleGAN2's base has one layer less, and so one number
    for layer, shape in zip(layers, config.noise_shapes, strict=True):
        assert shape == config.size((layer + offset) // 2)


def test_a_traditional_network_has_one_style():
    config = GeneratorConfig(levels=3, **TRADITIONAL)
    assert ws_rows(range(6), config) == [0]
    assert ws_rows((2, 3), config) == []
