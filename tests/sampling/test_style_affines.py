"""The table of affine maps must say which w each one gets, in every kind of network."""

import pytest
import torch
from torch.testing import assert_close

from stylesmith.errors import UsageError
from stylesmith.sampling.style_affines import (
    find_affine,
    stacked_affine_weights,
    style_affines,
)

CONNECTIONS = ["grow", "orig", "skip", "resid", "multiscale"]
KINDS = [{"kind": "adain", "connection": "grow"}] + [{"connection": name} for name in CONNECTIONS]
TRADITIONAL = {"kind": "traditional", "connection": "grow", "constant_input": False}


def count(fields):
    """Affine maps of a network of three levels."""
    if fields.get("kind") == "adain":
        return 6
    return 6 if fields["connection"] in ("orig", "resid") else 5 + 3


@pytest.mark.parametrize("fields", KINDS)
def test_every_affine_gets_the_row_of_ws_that_it_names(tiny_generator, fields):
    generator = tiny_generator(**fields)
    affines = style_affines(generator)
    assert len(affines) == len({affine.name for affine in affines}) == count(fields)
    got = {}
    for affine in affines:
        affine.module.register_forward_hook(
            lambda module, inputs, out, name=affine.name: got.update({name: inputs[0]})
        )
    ws = torch.randn(2, 6, 8)
    generator.draw(ws)
    drawing = {f"rgb{layer}" for layer in (1, 3)} if fields["connection"] == "grow" else set()
    assert got.keys() >= {affine.name for affine in affines} - drawing
    for affine in affines:
        if affine.name in got:
            assert_close(got[affine.name], ws[:, affine.layer], atol=0, rtol=0)


@pytest.mark.parametrize("fields", KINDS)
def test_weights_are_the_derivative_of_styles_by_w(tiny_generator, fields):
    for affine in style_affines(tiny_generator(**fields)):
        w = torch.randn(1, 8)
        slope = affine.module(w + torch.eye(8)) - affine.module(w)  # row i: by w[i]
        assert_close(affine.weight, slope.T, atol=1e-5, rtol=1e-4)
        assert affine.weight.shape == (affine.channels, 8)


def test_stacked_weights_are_those_of_the_layers(tiny_generator):
    generator = tiny_generator()
    rows = [a.weight for name in ("1", "rgb1", "2") for a in [find_affine(generator, name)]]
    assert torch.equal(stacked_affine_weights(generator, (1, 2)), torch.cat(rows))


def test_networks_without_styles_and_unknown_layers_are_refused(tiny_generator):
    with pytest.raises(UsageError, match="this network has no styles: w enters once"):
        style_affines(tiny_generator(**TRADITIONAL))
    with pytest.raises(
        UsageError, match=r"layer '9': .* belong to 0, 1, rgb1, 2, 3, rgb3, 4, rgb5"
    ):
        find_affine(tiny_generator(), "9")
    with pytest.raises(UsageError, match="no styles belong to these layers"):
        stacked_affine_weights(tiny_generator(connection="orig"), ())
