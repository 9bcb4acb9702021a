"""Strict loading of published state dicts, named for what a mismatch means.

Apart from `weights`, because listing weight files must not wait for torch.
"""

import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from stylesmith.errors import ModelError

N = TypeVar("N", bound=nn.Module)

IGNORED_SUFFIX = ".num_batches_tracked"
"""Counters of batch normalization, which some versions of torch saved and no result depends on."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a state dict without running anything that the file contains.

    Raises:
        ModelError: If the file cannot be read, or holds anything but named tensors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a damaged file; the error says enough
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: cannot be read as weights ({_first_line(error)}).") from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise ModelError(f"{path}: holds {type(content).__name__}, not a dictionary of tensors.")
    return {name: value for name, value in content.items() if not name.endswith(IGNORED_SUFFIX)}


def check_state_dict(found: Mapping[str, Tensor], network: nn.Module, path: Path) -> None:
    """Hold a state dict to the names and shapes of a network.

    Raises:
        ModelError: Naming the first tensor that is missing, of another shape, or unknown.
    """
    shapes = {name: tuple(value.shape) for name, value in expected_state_dict(network).items()}
    for name, shape in shapes.items():
        if name not in found:
            raise ModelError(f"{path}: has no tensor {name!r}, where shape {shape} is wanted.")
        if tuple(found[name].shape) != shape:
            there = tuple(found[name].shape)
            raise ModelError(f"{path}: {name!r} has shape {there}, wanted {shape}.")
    unknown = [name for name in found if name not in shapes]
    if unknown:
        raise ModelError(
            f"{path}: holds {unknown[0]!r}, which this network does not have "
            f"({len(unknown)} such tensors)."
        )


def expected_state_dict(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network by name, without those that do not matter."""
    return {k: v for k, v in network.state_dict().items() if not k.endswith(IGNORED_SUFFIX)}


def open_network(build: Callable[[], N], path: Path) -> N:
    """A network with the weights of a state dict, as constants, on the CPU.

    Raises:
        ModelError: If the file cannot be read, or is not that state dict.
    """
    with torch.device("meta"):
        network = build()
    load_weights(network, read_state_dict(path), path)
    return network


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network on the meta device its weights, strictly, as constants.

    Raises:
        ModelError: As `check_state_dict`.
    """
    check_state_dict(tensors, network, path)
    weights = {name: _channels_last(value.float()) for name, value in tensors.items()}
    network.load_state_dict(weights, strict=False, assign=True)  # checked above, counters aside
    network.requires_grad_(False).eval()


def _channels_last(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
