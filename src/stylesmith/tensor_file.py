"""The one file format of tensors: safetensors with a JSON header and a checksum.

Models, checkpoints, classifiers, statistics, projections, latents and directions are such files.

Opening a file never runs code. safetensors refuses channels-last tensors and copying between
layouts keeps every bit, so tensors are saved contiguous and copied into whatever layout the reader
has.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from stylesmith import files
from stylesmith.errors import DataError, ModelError
from stylesmith.file_kinds import identify_file

TENSOR_FILE_VERSION = 1
TENSOR_FILE_SUFFIX = ".safetensors"
TensorFileKind = Literal[
    "model", "checkpoint", "classifier", "statistics", "projection", "latent", "direction"
]
ReadError = type[ModelError] | type[DataError]
"""The error of a file that cannot be read: ModelError, or DataError for latents and directions."""


def write_tensor_file(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], *, kind: TensorFileKind
) -> None:
    """Write tensors and a JSON header atomically.

    Raises:
        OutputError: If the file cannot be written; what was there before stays.
    """
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    label = json.dumps({"kind": kind, "version": TENSOR_FILE_VERSION, **header})
    metadata = {"stylesmith": label, "crc32": str(_checksum(plain, label))}
    files.write_atomically(path, lambda temporary: _save(plain, temporary, metadata))


def read_tensor_file(
    path: Path, *, kind: TensorFileKind | None = None, error: ReadError = ModelError
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors and the header, checked against the checksum.

    Args:
        path: The file.
        kind: The kind that it must be of; None accepts any.
        error: The class of errors.

    Raises:
        ModelError: If the file is missing, damaged, not ours, or of another kind than wanted;
            DataError instead where `error` says so.
    """
    if not path.is_file():
        wanted = f"; wanted a {kind} file" if kind in ("latent", "direction") else ""
        raise error(f"{path}: no such file{wanted}.")
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as reason:
        if found := identify_file(path):
            wanted = found.instead_of(f"a {kind or 'model'}")
            raise error(f"{path}: damaged or not a safetensors file: {wanted}") from None
        raise error(f"{path}: damaged or not a safetensors file ({reason}).") from None
    header = _parse_header(path, metadata, error)
    if str(_checksum(tensors, metadata["stylesmith"])) != metadata.get("crc32"):
        raise error(f"{path}: damaged (its checksum does not match its content).")
    if kind and header["kind"] != kind:
        raise error(f"{path}: holds a {header['kind']}, wanted a {kind}.")
    return tensors, header


def _parse_header(path: Path, metadata: Mapping[str, str], error: ReadError) -> dict[str, Any]:
    text = metadata.get("stylesmith")
    if text is None:
        raise error(f"{path}: a safetensors file, but not one of stylesmith's.")
    try:
        header: dict[str, Any] = files.parse_json(text)
        version, _ = int(header["version"]), header["kind"]
    except (ValueError, KeyError, TypeError, OverflowError):
        raise error(f"{path}: damaged (its header cannot be read).") from None
    if version > TENSOR_FILE_VERSION:
        raise error(
            f"{path}: written by a newer stylesmith (format {version}, this one reads "
            f"{TENSOR_FILE_VERSION}). Upgrade stylesmith."
        )
    return header


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:  # wraps the system's error, such as a full disk
        raise OSError(str(error)) from error


def _checksum(tensors: Mapping[str, Tensor], label: str) -> int:
    value = zlib.crc32(label.encode())
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        content = tensor.reshape(-1).view(torch.uint8)
        value = zlib.crc32(content.numpy().data, value)
    return value


HASH_DIGITS = 16
"""Hexadecimal digits of a hash, few enough to be read in an error line."""


def tensors_hash(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Hash of tensors by name, shape and content, whatever their order and layout."""
    state = hashlib.blake2b(digest_size=HASH_DIGITS // 2)
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        state.update(plain.view(torch.uint8).numpy().data)
    return state.hexdigest()
