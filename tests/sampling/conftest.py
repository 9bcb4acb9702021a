"""Painters of tiny networks: 16x16, six layers, noise that shows."""

from collections.abc import Callable

import pytest

from stylesmith.sampling import Painter, Settings


@pytest.fixture
def paint(tiny_generator) -> Callable[..., Painter]:
    """`paint(label_size=2, settings={"psi": 0})`: other words go to the network."""

    def build(*, settings: dict | None = None, **fields) -> Painter:
        generator = tiny_generator(**fields).requires_grad_(False)
        generator.mapping.w_avg.normal_()  # a new network's mean, zero, would hide mistakes
        return Painter(generator, Settings(**({"precision": "fp32"} | (settings or {}))))

    return build


@pytest.fixture
def repaint() -> Callable[..., Painter]:
    """`repaint(painter, psi=0)`: the same generator with other settings."""

    def build(painter: Painter, **settings) -> Painter:
        return Painter(painter.generator, Settings(**({"precision": "fp32"} | settings)))

    return build
