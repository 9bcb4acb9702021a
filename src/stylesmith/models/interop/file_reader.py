"""Reader of other programs' weight files: pickles, torch zips and the older torch format.

Tensors of torch name their storages by persistent id, `("storage", type, key, device, count)`; the
numbers are raw little-endian bytes, as parts of the zip or in a row after the pickles.
`read_external` finds out which networks the values are, `inspect_file` lists what a file asks for.
"""

import io
import mmap
import struct
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from stylesmith.errors import ModelError
from stylesmith.file_kinds import identify_file
from stylesmith.models.interop import rosinality, stylegan2_ada, tensorflow
from stylesmith.models.interop.allowed_globals import (
    ALLOWED_GLOBALS,
    ALLOWED_STORAGES,
    AllowedGlobal,
    CorruptFileError,
    ReadBudget,
    TorchStorage,
    ensure,
    short_text,
    storage_dtype,
)
from stylesmith.models.interop.external_network import ExternalFile, ExternalFormat
from stylesmith.models.interop.network_reader import NetworkFormat
from stylesmith.models.interop.restricted_unpickler import CORRUPTION_ERRORS, RestrictedUnpickler

LEGACY_MAGIC = 119547037146038801333356
"""First value of the older form."""
LEGACY_VERSION = 1001
MAX_ZIP_DIRECTORY_BYTES = 1 << 21
"""Bytes of a zip's list of parts; a training checkpoint has about 100 kB."""


ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError)
"""What the zip library may raise of a damaged file, beside `CORRUPTION_ERRORS`."""


class StorageTable(dict[str, TorchStorage]):
    """The storages that one file names, by key."""

    def resolve(self, key: Any) -> TorchStorage:
        """The storage of a persistent id; its content comes later."""
        named = isinstance(key, tuple) and len(key) in (5, 6) and key[0] == "storage"
        ensure(named, "a persistent id that names no storage")
        _, kind, name, _, count, *view = key
        whole = view in ([], [None]) and isinstance(name, str) and type(count) is int
        ensure(whole, "a storage that is part of another")
        ensure(0 <= count < 1 << 40, "a storage of impossible size")
        dtype = storage_dtype(kind)
        storage = self.setdefault(name, TorchStorage(dtype, count))
        ensure((storage.dtype, storage.count) == (dtype, count), "a storage of two sizes")
        return storage


def allowed_with_storages(budget: ReadBudget) -> Mapping[str, AllowedGlobal]:
    """The closed table, with nested storages counted in the budget."""
    name = "torch.storage._load_from_bytes"
    return {
        **ALLOWED_GLOBALS,
        name: AllowedGlobal(name, call=lambda data: read_nested_storage(data, budget)),
    }


def read_nested_storage(data: Any, budget: ReadBudget) -> TorchStorage:
    """A single storage that was saved into bytes, as in pickles of StyleGAN2-ADA."""
    ensure(isinstance(data, bytes), "a storage that is no bytes")
    stream, location = io.BytesIO(data), " of a nested storage"
    magic = RestrictedUnpickler(stream, budget, location=location).load()
    ensure(magic == LEGACY_MAGIC, "a nested storage of another form")
    value = read_legacy_torch(
        stream, memoryview(data), budget, allowed=ALLOWED_STORAGES, location=location
    )
    complete = isinstance(value, TorchStorage) and value.content is not None
    ensure(complete, "a nested storage that is none")
    return cast(TorchStorage, value)


def read_legacy_torch(
    stream: BinaryIO,
    content: memoryview | mmap.mmap,
    budget: ReadBudget,
    *,
    allowed: Mapping[str, AllowedGlobal],
    location: str = "",
) -> Any:
    """The value of an older torch file, from behind its magic number.

    Args:
        stream: The file.
        content: The same bytes; storages are cut from it.
        budget: That of the file.
        allowed: What it may name.
        location: What error messages add to a byte's number.
    """
    storages = StorageTable()
    unpickler = partial(RestrictedUnpickler, stream, budget, location=location)
    ensure(unpickler().load() == LEGACY_VERSION, "an older torch file of unknown version")
    system = unpickler().load()
    little_endian = isinstance(system, dict) and system.get("little_endian") is True
    ensure(little_endian, "tensors of another byte order")
    value = unpickler(allowed=allowed, persistent_load=storages.resolve).load()
    keys = unpickler().load()
    named = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    ensure(named, "an older torch file without list of storages")
    for key in keys:
        fits = key in storages and storages[key].content is None
        ensure(fits, "a list of storages that does not fit")
        storage = storages[key]
        ensure(stream.read(8) == struct.pack("<q", storage.count), "a storage cut short")
        start = stream.tell()
        stream.seek(min(start + storage.size, budget.size))
        storage.content = content[start : start + storage.size]
        ensure(len(storage.content) == storage.size, "a storage cut short")
        budget.count_bytes(storage.size)
    return value


def read_torch_zip(stream: BinaryIO, budget: ReadBudget) -> Any:
    """The value of a torch zip.

    Raises:
        ModelError: If it is compressed, holds a program, or wants anything but data.
    """
    _check_directory(stream, budget)
    with zipfile.ZipFile(stream) as archive:
        return _read_parts(archive, budget)


def _read_parts(archive: zipfile.ZipFile, budget: ReadBudget) -> Any:
    parts = {info.filename: info for info in archive.infolist()}
    _check_parts(archive, parts, budget)
    root = next((n.removesuffix("data.pkl") for n in parts if n.endswith("/data.pkl")), None)
    if root is None:
        raise budget.file_error("a zip, but not one of torch: it has no data.pkl.")
    order = parts.get(f"{root}byteorder")
    little_endian = order is None or archive.read(order) == b"little"
    ensure(little_endian, "tensors of another byte order")
    storages = StorageTable()
    pickle = io.BytesIO(archive.read(f"{root}data.pkl"))
    allowed, location = allowed_with_storages(budget), f" of {root}data.pkl"[:80]
    value = RestrictedUnpickler(
        pickle, budget, allowed=allowed, persistent_load=storages.resolve, location=location
    ).load()
    for key, storage in storages.items():
        name = f"{root}data/{key}"
        fits = name in parts and parts[name].file_size == storage.size
        ensure(fits, "a storage that is missing or of another size")
        budget.count_bytes(storage.size)
        storage.content = archive.read(name)
    return value


def _check_parts(
    archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], budget: ReadBudget
) -> None:
    """Refuse what torch never writes: compressed, repeated or overlapping parts, and programs."""
    for name, info in parts.items():
        budget.count_steps()
        if "/code/" in f"/{name}" or name.endswith(("/constants.pkl", ".py")):
            raise budget.file_error(
                f"refused: a TorchScript program (it holds {short_text(name, 80)}), not weights "
                "alone. Nothing was run; save the network's state_dict instead."
            )
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise budget.file_error(
                f"refused: its part {short_text(name, 80)} is compressed ({info.compress_size} "
                f"bytes to {info.file_size}); torch files never are."
            )
    total = sum(info.file_size for info in parts.values())
    if len(parts) != len(archive.infolist()) or total > budget.size:
        raise budget.file_error(
            "refused: parts of the zip overlap or repeat; torch files never do so."
        )


def _check_directory(stream: BinaryIO, budget: ReadBudget) -> None:
    """Bound the list of parts before the zip library reads it whole."""
    stream.seek(max(0, budget.size - 66_000))
    tail = stream.read()
    stream.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise budget.file_error("damaged: a zip without its end; the download may be incomplete.")
    (size,) = struct.unpack_from("<I", tail, end + 12)
    wide = tail.rfind(b"PK\x06\x06")
    if size == 0xFFFFFFFF and 0 <= wide <= len(tail) - 56:
        (size,) = struct.unpack_from("<Q", tail, wide + 40)
    if size > MAX_ZIP_DIRECTORY_BYTES:
        raise budget.file_error(
            f"refused: a list of parts of {size:,} bytes, more than weights have."
        )


ZIP_MAGIC = b"PK\x03\x04"
MAX_TENSORS = 2000
"""Tensors of a network; the largest published ones have about 300."""
MAX_FILE_BYTES = 8 << 30
"""Bytes of a file; the largest published ones have 0.4 GB."""


def is_external_file(path: Path) -> bool:
    """Whether a file is a pickle or a torch file, by name or by its first bytes.

    A safetensors file starts with the length of its JSON header, and then that header.
    """
    if path.suffix.lower() in (".pkl", ".pickle", ".pt", ".pth", ".ckpt"):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError:
        return False
    pickled = head[:1] == b"\x80" and head[1:2] <= b"\x05"
    return head[8:9] != b"{" and (pickled or head.startswith(ZIP_MAGIC))


def open_read_budget(path: Path, *, tolerant: bool = False) -> ReadBudget:
    """The budget of a file.

    Raises:
        ModelError: If there is no such file, or it is too large or plainly something else.
    """
    try:
        size = path.stat().st_size
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if size == 0:
        raise ModelError(f"{path}: empty. Download it again.")
    if kind := identify_file(path):
        raise ModelError(f"{path}: {kind.instead_of('weights')}")
    if size > MAX_FILE_BYTES:
        raise ModelError(f"{path}: refused: {size:,} bytes, more than any network has.")
    return ReadBudget(path, size, tolerant=tolerant)


def read_values(budget: ReadBudget) -> Any:
    """What the file holds, as plain values and inert objects.

    Raises:
        ModelError: If it is damaged or wants anything but data; nothing is run in any case.
    """
    try:
        with (
            budget.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            if content[:4] == ZIP_MAGIC:
                return read_torch_zip(file, budget)
            stream, allowed = cast(BinaryIO, content), allowed_with_storages(budget)
            value = RestrictedUnpickler(stream, budget, allowed=allowed).load()
            if type(value) is int and value == LEGACY_MAGIC:
                value = read_legacy_torch(stream, content, budget, allowed=allowed)
            return value
    except (*CORRUPTION_ERRORS, *ZIP_ERRORS) as error:
        problem = short_text((str(error) or "cut short").splitlines()[0], 120)
        raise budget.file_error(f"damaged or not a torch file: {problem}") from None


FORMATS: dict[ExternalFormat, NetworkFormat] = {
    "tensorflow": tensorflow,
    "ada": stylegan2_ada,
    "rosinality": rosinality,
}
"""Every format, in the order in which files are tried."""


def read_external(path: Path, *, partial: bool = False) -> ExternalFile:
    """The networks of a TensorFlow pickle, a StyleGAN2-ADA pickle or a rosinality checkpoint.

    Args:
        path: The file.
        partial: Leave out objects of unknown classes, with a note, instead of refusing the file.

    Raises:
        ModelError: If the file is missing, damaged, of another kind, or wants anything but data;
            nothing in it is run in any case.
    """
    return recognize_networks(open_read_budget(path, tolerant=partial))


def recognize_networks(budget: ReadBudget) -> ExternalFile:
    """The networks of the file of a budget; errors as of `read_external`."""
    value = read_values(budget)
    try:
        for name, format_ in FORMATS.items():
            networks = format_.recognize(value)
            if networks:
                for role, network in networks.items():
                    if len(network.tensors) > MAX_TENSORS:
                        raise budget.file_error(
                            f"refused: more than {MAX_TENSORS} tensors in {role}."
                        )
                return ExternalFile(name, networks, budget.size, sorted(budget.refused_globals))
    except CorruptFileError as error:
        raise budget.file_error(f"damaged: it holds {error}.") from None
    raise budget.file_error(
        "holds no network that stylesmith knows; wanted a pickle of ProGAN, StyleGAN, StyleGAN2 "
        "or StyleGAN2-ADA, or a rosinality checkpoint."
    )
