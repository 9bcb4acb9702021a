"""Tensor files of torch, both forms, without torch: a zip of parts, and the older single stream.

In both, tensors name their storages by persistent id, `("storage", type, key, device, count)`. The
numbers are raw little-endian bytes: parts of the zip, or in a row behind the pickles.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

from stylesmith.models.foreign.session import Session
from stylesmith.models.foreign.standins import (
    STORAGE_TABLE,
    TABLE,
    Damaged,
    StandIn,
    Storage,
    code_of,
)
from stylesmith.models.foreign.unpickler import Machine

LEGACY_MAGIC = 119547037146038801333356
"""First value of the older form."""
LEGACY_VERSION = 1001
LARGEST_DIRECTORY = 1 << 21
"""Bytes of a zip's list of parts; a training checkpoint has about 100 kB."""


class Content(Protocol):
    """Bytes that can be cut: `bytes` or a memory map."""

    def __getitem__(self, part: slice) -> Any:
        """Some of the bytes."""


class Storages:
    """The storages that one file names, by key."""

    def __init__(self) -> None:
        self.by_key: dict[str, Storage] = {}

    def resolve(self, key: Any) -> Storage:
        """The storage of a persistent id; its content comes later."""
        if not isinstance(key, tuple) or len(key) not in (5, 6) or key[0] != "storage":
            raise Damaged("a persistent id that names no storage")
        _, kind, name, _, count, *view = key
        if view not in ([], [None]) or not isinstance(name, str) or type(count) is not int:
            raise Damaged("a storage that is part of another")
        if not 0 <= count < 1 << 40:
            raise Damaged("a storage of impossible size")
        storage = self.by_key.setdefault(name, Storage(code_of(kind), count))
        if (storage.dtype, storage.count) != (code_of(kind), count):
            raise Damaged("a storage of two sizes")
        return storage


def with_storages(session: Session) -> Mapping[str, StandIn]:
    """The closed table, with nested storages paid for by the session."""
    name = "torch.storage._load_from_bytes"
    return {**TABLE, name: StandIn(name, call=lambda data: load_storage(data, session))}


def load_storage(data: Any, session: Session) -> Storage:
    """A single storage that was saved into bytes, as in pickles of StyleGAN2-ADA."""
    if not isinstance(data, bytes):
        raise Damaged("a storage that is no bytes")
    stream, place = io.BytesIO(data), " of a nested storage"
    if Machine(stream, session, allowed={}, location=place).load() != LEGACY_MAGIC:
        raise Damaged("a nested storage of another form")
    value = read_legacy(stream, memoryview(data), session, table=STORAGE_TABLE, place=place)
    if not isinstance(value, Storage) or value.content is None:
        raise Damaged("a nested storage that is none")
    return value


def read_legacy(
    stream: BinaryIO,
    content: Content,
    session: Session,
    *,
    table: Mapping[str, StandIn] | None = None,
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
    table = with_storages(session) if table is None else table
    storages = Storages()
    if Machine(stream, session, allowed={}, location=place).load() != LEGACY_VERSION:
        raise Damaged("an older torch file of unknown version")
    system = Machine(stream, session, allowed={}, location=place).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Damaged("tensors of another byte order")
    resolve = storages.resolve
    value = Machine(stream, session, allowed=table, persistent_load=resolve, location=place).load()
    keys = Machine(stream, session, allowed={}, location=place).load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Damaged("an older torch file without list of storages")
    for key in keys:
        if key not in storages.by_key or storages.by_key[key].content is not None:
            raise Damaged("a list of storages that does not fit")
        _fill(storages.by_key[key], stream, content, session)
    return value


def _fill(storage: Storage, stream: BinaryIO, content: Content, session: Session) -> None:
    head = stream.read(8)
    if len(head) != 8 or struct.unpack("<q", head)[0] != storage.count:
        raise Damaged("a storage cut short")
    start = stream.tell()
    stream.seek(min(start + storage.size, session.size))
    storage.content = content[start : start + storage.size]
    if len(storage.content) != storage.size:
        raise Damaged("a storage cut short")
    session.count_bytes(storage.size)


def read_zip(stream: BinaryIO, session: Session) -> Any:
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


def _read_parts(archive: zipfile.ZipFile, session: Session) -> Any:
    parts = {info.filename: info for info in archive.infolist()}
    _check_parts(archive, parts, session)
    root = next((n.removesuffix("data.pkl") for n in parts if n.endswith("/data.pkl")), None)
    if root is None:
        raise session.file_error("a zip, but not one of torch: it has no data.pkl.")
    order = parts.get(f"{root}byteorder")
    if order and archive.read(order) != b"little":
        raise Damaged("tensors of another byte order")
    storages = Storages()
    pickle = io.BytesIO(archive.read(f"{root}data.pkl"))
    machine = Machine(
        pickle,
        session,
        allowed=with_storages(session),
        persistent_load=storages.resolve,
        location=f" of {root}data.pkl"[:80],
    )
    value = machine.load()
    for key, storage in storages.by_key.items():
        info = parts.get(f"{root}data/{key}")
        if info is None or info.file_size != storage.size:
            raise Damaged("a storage that is missing or of another size")
        session.count_bytes(storage.size)
        storage.content = archive.read(info)
    return value


def _check_parts(
    archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], session: Session
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


def _check_directory(stream: BinaryIO, session: Session) -> None:
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
    if size > LARGEST_DIRECTORY:
        raise session.file_error(
            f"refused: a list of parts of {size:,} bytes, more than weights have."
        )
