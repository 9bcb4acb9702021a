"""Reader of other programs' weight files: pickles, torch zips and the older torch format.

Tensors of torch name their storages by persistent id, `("storage", type, key, device, count)`; the
numbers are raw little-endian bytes, as parts of the zip or in a row after the pickles.
`read_external` finds out which networks the values are, `inspect_file` lists what a file asks for.
"""

import io
import mmap
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from stylesmith.errors import ModelError
from stylesmith.models.interop import rosinality, stylegan2_ada, tensorflow
from stylesmith.models.interop.allowed_globals import (
    ALLOWED_GLOBALS,
    ALLOWED_STORAGES,
    AllowedGlobal,
    CorruptFileError,
    ReadBudget,
    TorchStorage,
    storage_dtype,
)
from stylesmith.models.interop.external_network import (
    ExternalFile,
    ExternalFormat,
    ExternalNetwork,
    NetworkRole,
)
from stylesmith.models.interop.restricted_unpickler import RestrictedUnpickler

LEGACY_MAGIC = 119547037146038801333356
"""First value of the older form."""
LEGACY_VERSION = 1001
MAX_ZIP_DIRECTORY_BYTES = 1 << 21
"""Bytes of a zip's list of parts; a training checkpoint has about 100 kB."""


class SliceableBytes(Protocol):
    """Bytes that can be cut: `bytes` or a memory map."""

    def __getitem__(self, part: slice) -> Any:
        """Some of the bytes."""


class StorageTable:
    """The storages that one file names, by key."""

    def __init__(self) -> None:
        self.by_key: dict[str, TorchStorage] = {}

    def resolve(self, key: Any) -> TorchStorage:
        """The storage of a persistent id; its content comes later."""
        if not isinstance(key, tuple) or len(key) not in (5, 6) or key[0] != "storage":
            raise CorruptFileError("a persistent id that names no storage")
        _, kind, name, _, count, *view = key
        if view not in ([], [None]) or not isinstance(name, str) or type(count) is not int:
            raise CorruptFileError("a storage that is part of another")
        if not 0 <= count < 1 << 40:
            raise CorruptFileError("a storage of impossible size")
        storage = self.by_key.setdefault(name, TorchStorage(storage_dtype(kind), count))
        if (storage.dtype, storage.count) != (storage_dtype(kind), count):
            raise CorruptFileError("a storage of two sizes")
        return storage


def allowed_with_storages(session: ReadBudget) -> Mapping[str, AllowedGlobal]:
    """The closed table, with nested storages paid for by the session."""
    name = "torch.storage._load_from_bytes"
    return {
        **ALLOWED_GLOBALS,
        name: AllowedGlobal(name, call=lambda data: read_nested_storage(data, session)),
    }


def read_nested_storage(data: Any, session: ReadBudget) -> TorchStorage:
    """A single storage that was saved into bytes, as in pickles of StyleGAN2-ADA."""
    if not isinstance(data, bytes):
        raise CorruptFileError("a storage that is no bytes")
    stream, place = io.BytesIO(data), " of a nested storage"
    if RestrictedUnpickler(stream, session, allowed={}, location=place).load() != LEGACY_MAGIC:
        raise CorruptFileError("a nested storage of another form")
    value = read_legacy_torch(
        stream, memoryview(data), session, table=ALLOWED_STORAGES, place=place
    )
    if not isinstance(value, TorchStorage) or value.content is None:
        raise CorruptFileError("a nested storage that is none")
    return value


def read_legacy_torch(
    stream: BinaryIO,
    content: SliceableBytes,
    session: ReadBudget,
    *,
    table: Mapping[str, AllowedGlobal] | None = None,
    place: str = "",
) -> Any:
    """The value of an older torch file, from behind its magic number.

    Args:
        stream: The file.
        content: The same bytes; storages are cut from it.
        session: Its budget.
        table: What it may name; None is the whole table.
        place: What error messages add to a byte's number.
    """
    table = allowed_with_storages(session) if table is None else table
    storages = StorageTable()
    if RestrictedUnpickler(stream, session, allowed={}, location=place).load() != LEGACY_VERSION:
        raise CorruptFileError("an older torch file of unknown version")
    system = RestrictedUnpickler(stream, session, allowed={}, location=place).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CorruptFileError("tensors of another byte order")
    resolve = storages.resolve
    value = RestrictedUnpickler(
        stream, session, allowed=table, persistent_load=resolve, location=place
    ).load()
    keys = RestrictedUnpickler(stream, session, allowed={}, location=place).load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CorruptFileError("an older torch file without list of storages")
    for key in keys:
        if key not in storages.by_key or storages.by_key[key].content is not None:
            raise CorruptFileError("a list of storages that does not fit")
        _read_storage(storages.by_key[key], stream, content, session)
    return value


def _read_storage(
    storage: TorchStorage, stream: BinaryIO, content: SliceableBytes, session: ReadBudget
) -> None:
    head = stream.read(8)
    if len(head) != 8 or struct.unpack("<q", head)[0] != storage.count:
        raise CorruptFileError("a storage cut short")
    start = stream.tell()
    stream.seek(min(start + storage.size, session.size))
    storage.content = content[start : start + storage.size]
    if len(storage.content) != storage.size:
        raise CorruptFileError("a storage cut short")
    session.count_bytes(storage.size)


def read_torch_zip(stream: BinaryIO, session: ReadBudget) -> Any:
    """The value of a torch zip.

    Raises:
        ModelError: If it is damaged, compressed, holds a program, or wants anything but data.
    """
    _check_directory(stream, session)
    try:
        with zipfile.ZipFile(stream) as archive:
            return _read_parts(archive, session)
    except (
        zipfile.BadZipFile,
        EOFError,
        LookupError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        problem = ascii(str(error).splitlines()[0])[1:-1][:120] if str(error) else "cut short"
        raise session.file_error(f"damaged or not a torch file: {problem}") from None


def _read_parts(archive: zipfile.ZipFile, session: ReadBudget) -> Any:
    parts = {info.filename: info for info in archive.infolist()}
    _check_parts(archive, parts, session)
    root = next((n.removesuffix("data.pkl") for n in parts if n.endswith("/data.pkl")), None)
    if root is None:
        raise session.file_error("a zip, but not one of torch: it has no data.pkl.")
    order = parts.get(f"{root}byteorder")
    if order and archive.read(order) != b"little":
        raise CorruptFileError("tensors of another byte order")
    storages = StorageTable()
    pickle = io.BytesIO(archive.read(f"{root}data.pkl"))
    machine = RestrictedUnpickler(
        pickle,
        session,
        allowed=allowed_with_storages(session),
        persistent_load=storages.resolve,
        location=f" of {root}data.pkl"[:80],
    )
    value = machine.load()
    for key, storage in storages.by_key.items():
        info = parts.get(f"{root}data/{key}")
        if info is None or info.file_size != storage.size:
            raise CorruptFileError("a storage that is missing or of another size")
        session.count_bytes(storage.size)
        storage.content = archive.read(info)
    return value


def _check_parts(
    archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], session: ReadBudget
) -> None:
    """Refuse what torch never writes: compressed, repeated or overlapping parts, and programs."""
    for name, info in parts.items():
        session.count_steps()
        if "/code/" in f"/{name}" or name.endswith(("/constants.pkl", ".py")):
            shown = ascii(name)[1:-1][:80]
            raise session.file_error(
                f"refused: a TorchScript program (it holds {shown}), not weights alone. Nothing "
                "was run; save the network's state_dict instead."
            )
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise session.file_error(
                f"refused: its part {ascii(name)[1:-1][:80]} is compressed ({info.compress_size} "
                f"bytes to {info.file_size}); torch files never are."
            )
    total = sum(info.file_size for info in parts.values())
    if len(parts) != len(archive.infolist()) or total > session.size:
        raise session.file_error(
            "refused: parts of the zip overlap or repeat; torch files never do so."
        )


def _check_directory(stream: BinaryIO, session: ReadBudget) -> None:
    """Bound the list of parts before the zip library reads it whole."""
    stream.seek(max(0, session.size - 66_000))
    tail = stream.read()
    stream.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise session.file_error("damaged: a zip without its end; the download may be incomplete.")
    (size,) = struct.unpack_from("<I", tail, end + 12)
    wide = tail.rfind(b"PK\x06\x06")
    if size == 0xFFFFFFFF and 0 <= wide <= len(tail) - 56:
        (size,) = struct.unpack_from("<Q", tail, wide + 40)
    if size > MAX_ZIP_DIRECTORY_BYTES:
        raise session.file_error(
            f"refused: a list of parts of {size:,} bytes, more than weights have."
        )


ZIP_MAGIC = b"PK\x03\x04"
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


def open_read_budget(path: Path, *, survey: bool = False) -> ReadBudget:
    """The budget of a file.

    Raises:
        ModelError: If there is no such file, or it is too large or plainly something else.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if head.startswith((b"<!doctype", b"<html", b"<head")):
        raise ModelError(
            f"{path}: a web page, not weights: the download was refused or wants a confirmation. "
            "Open the address in a browser and save the file from there."
        )
    if size == 0:
        raise ModelError(f"{path}: empty. Download it again.")
    if size > MAX_FILE_BYTES:
        raise ModelError(f"{path}: refused: {size:,} bytes, more than any network has.")
    return ReadBudget(path, size, inspect_only=survey)


def read_values(session: ReadBudget) -> Any:
    """What the file holds, as plain values and inert objects.

    Raises:
        ModelError: If it is damaged or wants anything but data; nothing is run in any case.
    """
    with session.path.open("rb") as file:
        if file.read(4) == ZIP_MAGIC:
            return read_torch_zip(file, session)
    with _memory_mapped(session.path) as content:
        stream = cast(BinaryIO, content)
        value = RestrictedUnpickler(stream, session, allowed=allowed_with_storages(session)).load()
        if type(value) is not int or value != LEGACY_MAGIC:
            return value
        try:
            return read_legacy_torch(stream, content, session)
        except CorruptFileError as error:
            raise session.file_error(f"damaged or not a torch file: {error}") from None


@contextmanager
def _memory_mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


Recognizer = Callable[[Any, str], dict[NetworkRole, ExternalNetwork] | None]

RECOGNIZERS: dict[ExternalFormat, Recognizer] = {
    "tensorflow": tensorflow.recognize,
    "ada": stylegan2_ada.recognize,
    "rosinality": rosinality.recognize,
}


@dataclass
class FileInspection:
    """What a file holds and wants, found without running anything."""

    path: Path
    size: int
    named_globals: dict[str, str] = field(default_factory=dict)
    """Names it wants, and where each stands first."""
    refused: set[str] = field(default_factory=set)
    """Those that an import refuses."""
    file: ExternalFile | None = None
    problem: str | None = None
    """Why it can't be imported, if it can't be read to its end."""


def read_external(path: Path) -> ExternalFile:
    """The networks of a TensorFlow pickle, a StyleGAN2-ADA pickle or a rosinality checkpoint.

    Raises:
        ModelError: If the file is missing, damaged, of another kind, or wants anything but data;
            nothing in it is run in any case.
    """
    return _recognize_networks(open_read_budget(path))


def inspect_file(path: Path) -> FileInspection:
    """Look at a file without refusing what it wants.

    Raises:
        ModelError: If the file is missing, or plainly something else.
    """
    session = open_read_budget(path, survey=True)
    found = FileInspection(path, session.size, session.named_globals, session.refused_globals)
    try:
        found.file = _recognize_networks(session)
    except ModelError as error:
        found.problem = str(error)
    return found


def _recognize_networks(session: ReadBudget) -> ExternalFile:
    value, source = read_values(session), str(session.path)
    try:
        for kind, recognize in RECOGNIZERS.items():
            networks = recognize(value, source)
            if networks:
                return ExternalFile(kind, networks, session.size)
    except CorruptFileError as error:
        raise session.file_error(f"damaged: it holds {error}.") from None
    raise session.file_error(
        "holds no network that stylesmith knows; wanted a pickle of ProGAN, StyleGAN, StyleGAN2 "
        "or StyleGAN2-ADA, or a rosinality checkpoint."
    )
