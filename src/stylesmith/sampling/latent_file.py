"""Files of latent codes and directions: safetensors with a JSON header and a checksum."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stylesmith import files
from stylesmith.errors import DataError

LATENT_FILE_VERSION = 1
LatentFileKind = Literal["latent", "direction"]
LATENT_SUFFIX = ".safetensors"


def write_latent_file(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], *, kind: LatentFileKind
) -> None:
    """Write tensors and a JSON header atomically.

    Raises:
        OutputError: If the file cannot be written; what was there before stays.
    """
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    label = json.dumps({"kind": kind, "version": LATENT_FILE_VERSION, **header})
    content = save(plain, {"stylesmith": label, "crc32": str(_checksum(plain, label))})

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    files.write_atomically(path, write)


def read_latent_file(
    path: Path, *, kind: LatentFileKind
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors and the header, checked against the checksum; nothing in the file is run.

    Raises:
        DataError: If the file is missing, damaged, not ours, or of another kind than wanted.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; wanted a {kind} file.")
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: damaged or not a safetensors file ({error}).") from None
    label = metadata.get("stylesmith")
    if label is None:
        raise DataError(f"{path}: a safetensors file, but not one of stylesmith's.")
    if str(_checksum(tensors, label)) != metadata.get("crc32"):
        raise DataError(f"{path}: damaged (its checksum does not match its content).")
    return tensors, _check_header(path, label, kind)


def _check_header(path: Path, label: str, kind: LatentFileKind) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(label)
        found, version = header["kind"], int(header["version"])
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: damaged (its header cannot be read).") from None
    if found != kind:
        raise DataError(f"{path}: holds a {found}, wanted a {kind}.")
    if version > LATENT_FILE_VERSION:
        raise DataError(
            f"{path}: written by a newer stylesmith (format {version}, this one reads "
            f"{LATENT_FILE_VERSION}). Upgrade stylesmith."
        )
    return header


def _checksum(tensors: Mapping[str, Tensor], label: str) -> int:
    value = zlib.crc32(label.encode())
    for name, tensor in sorted(tensors.items()):
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        content = tensor.reshape(-1).view(torch.uint8)
        value = zlib.crc32(content.numpy().data, value)
    return value
