"""Names for weights: what is equal has one hash, wherever it lies."""

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

HASH_DIGITS = 16
"""Hexadecimal digits of a hash, few enough to be read in an error line."""


def model_hash(network: nn.Module) -> str:
    """Hash of all weights and buffers of a network."""
    return tensors_hash(network.state_dict().items())


def tensors_hash(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Hash of tensors by name, shape and content, whatever their order and layout."""
    state = hashlib.blake2b(digest_size=HASH_DIGITS // 2)
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        state.update(plain.view(torch.uint8).numpy().data)
    return state.hexdigest()
