"""Everything is compared with one thread, for other numbers of them give other bits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.compatibility import observe


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory, one_thread) -> tuple[Path, dict[str, Any]]:
    """The folder that every kind of command has written to, and the random numbers it drew."""
    folder = tmp_path_factory.mktemp("used")
    return folder, observe.use_everything(folder)
