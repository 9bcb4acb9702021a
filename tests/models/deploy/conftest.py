"""Every kind of generator, as small as it can be."""

import pytest

from stylesmith.networks import Generator, Growth

GROW = {"connection": "grow"}
TRADITIONAL = {"kind": "traditional", "constant_input": False, **GROW}
KINDS = {
    "traditional": TRADITIONAL | {"blur": False},
    "traditional-noise": TRADITIONAL | {"image_channels": 1},
    "adain": {"kind": "adain", **GROW},
    "adain-dense": {"kind": "adain", "constant_input": False, **GROW},
    "grow": GROW,
    "orig": {"connection": "orig"},
    "skip": {"base": (3, 4)},
    "resid": {"connection": "resid", "image_channels": 4},
    "multiscale": {"connection": "multiscale"},
    "no-demod": {"demodulate": False, "spectral_norm": True, "noise": False},
    "concat": {"label_size": 3},
    "embed": {"label_size": 2, "mapping": {"label_mode": "embed"}},
}
"""Settings that between them have every part, number of channels and kind of label."""


@pytest.fixture
def make(tiny_generator):
    """`make("skip")`: a generator of two levels whose mean of w is not zero."""

    def build(kind: str, *, growth: Growth | None = None, **fields) -> Generator:
        settings = {"levels": 2, "mapping": {}} | KINDS[kind] | fields
        settings["mapping"] = {"layers": 1} | settings["mapping"]
        generator = tiny_generator(**settings).eval().requires_grad_(False)
        generator.mapping.w_avg.normal_()
        generator.growth = growth
        return generator

    return build
