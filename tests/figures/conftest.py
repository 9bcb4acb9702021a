"""Tiny models on disk, as figures are drawn from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stylesmith.figures import Choices, Subject
from stylesmith.models import save_model
from stylesmith.networks import Generator
from tests.support import CPU


def no_progress(done: int, total: int) -> None:
    """For figures that nobody waits for."""


@pytest.fixture
def make_subject(
    tmp_path: Path, tiny_generator: Callable[..., Generator]
) -> Callable[..., Subject]:
    """A subject around a tiny generator, whose configuration can be changed field by field."""

    def build(choices: Choices | None = None, *, name: str = "model", **fields: Any) -> Subject:
        folder = tmp_path / name
        save_model(folder, tiny_generator(**fields), card="# Tiny\n", about={})
        return Subject(folder, CPU, choices)

    return build
