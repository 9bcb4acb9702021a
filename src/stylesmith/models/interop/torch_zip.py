"""Tensor files of torch, both forms, without torch: a zip of parts, and the older single stream.

In both, tensors name their storages by persistent id, `("storage", type, key, device, count)`. The
numbers are raw little-endian bytes: parts of the zip, or in a row behind the pickles.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

from stylesmith.models.interop.session import ReadBudget
from stylesmith.models.interop.standins import (
    ALLOWED_GLOBALS,
    ALLOWED_STORAGES,
    AllowedGlobal,
    CorruptFileError,
    TorchStorage,
    storage_dtype,
)
from stylesmith.models.interop.unpickler import RestrictedUnpickler

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
