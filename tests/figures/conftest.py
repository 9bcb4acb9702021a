"""Tiny models on disk, as figures are drawn from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stylesmith.figures import FigureInput, FigureOptions
from stylesmith.models import save_model
from stylesmith.networks import Generator
from tests.support import CPU


def no_progress(done: int, total: int) -> None:
    """For figures that nobody waits for."""


@pytest.fixture
def make_figure_input(
    tmp_path: Path, tiny_generator: Callable[..., Generator]
) -> Callable[..., FigureInput]:
    """A function from fields of a configuration to the input of figures from a tiny generator."""

    def build(
        choices: FigureOptions | None = None, *, name: str = "model", **fields: Any
    ) -> FigureInput:
        folder = tmp_path / name
        save_model(folder, tiny_generator(**fields), card="# Tiny\n", about={})
        return FigureInput(folder, CPU, choices)

    return build
