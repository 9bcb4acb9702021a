"""Changes that know the structure of PNG, JPEG, WebP, zip and tensor files.

Checksums and lengths are made to fit again, so that the change gets past them.
"""

import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from tests.mutations.changes import change_blindly, change_json, change_json_file

EXTREME_WORDS = (0, 1, 2, 3, 5, 7, 8, 16, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)


def change_png(content: bytes, dice: random.Random) -> bytes:
    """A PNG with one chunk changed, dropped, doubled, moved or added; checksums fit."""
    chunks = list(_png_chunks(content))
    place, action = dice.randrange(len(chunks)), dice.random()
    name, data = chunks[place]
    if action < 0.3:
        chunks[0] = (b"IHDR", _change_field(chunks[0][1], dice, "IIBBBBB"))
    elif action < 0.5:
        chunks[place] = (name, change_blindly(data or b"x", dice))
    elif action < 0.6:
        raw = bytearray(zlib.decompress(_joined(chunks, b"IDAT")))
        packed = zlib.compress(change_blindly(bytes(raw), dice))
        chunks = [(n, packed if n == b"IDAT" else d) for n, d in chunks]
    elif action < 0.7:
        del chunks[place]
    elif action < 0.8:
        chunks.insert(dice.randrange(len(chunks)), chunks[place])
    elif action < 0.85:
        dice.shuffle(chunks)
    else:
        chunks.insert(dice.randrange(1, len(chunks)), _odd_png_chunk(dice))
    return content[:8] + b"".join(map(_png_chunk, *zip(*chunks, strict=True))) if chunks else b""


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 8
    while start < len(content):
        (length,) = struct.unpack_from(">I", content, start)
        yield content[start + 4 : start + 8], content[start + 8 : start + 8 + length]
        start += length + 12


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _joined(chunks: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    return b"".join(data for found, data in chunks if found == name)


@cache
def packed_zeros(count: int) -> bytes:
    return zlib.compress(bytes(count))


def _odd_png_chunk(dice: random.Random) -> tuple[bytes, bytes]:
    """An ancillary chunk with odd content: text bombs, profiles, transparency, EXIF, animation."""
    zeros = packed_zeros(dice.choice((10, 10_000, 70_000_000)))
    return dice.choice(
        (
            (b"zTXt", b"k\0\0" + zeros),
            (b"iTXt", b"k\0\1\0\0\0" + zeros),
            (b"tEXt", b"k\0" + bytes(dice.choice((1, 2_000_000)))),
            (b"iCCP", b"k\0\0" + zeros),
            (b"tRNS", dice.randbytes(dice.choice((0, 1, 2, 6, 300)))),
            (b"PLTE", dice.randbytes(dice.choice((0, 1, 3, 768, 900)))),
            (b"eXIf", dice.randbytes(dice.choice((0, 4, 40)))),
            (b"gAMA", dice.randbytes(dice.choice((0, 4)))),
            (b"cHRM", dice.randbytes(dice.choice((0, 31, 32)))),
            (b"pHYs", dice.randbytes(dice.choice((0, 9)))),
            (b"acTL", struct.pack(">II", dice.choice((0, 1, 2, 2**31)), 0)),
            (b"fcTL", dice.randbytes(26)),
            (b"ABCD", b""),
        )
    )


def _change_field(data: bytes, dice: random.Random, layout: str, order: str = ">") -> bytes:
    """Packed numbers, one of which is another: an extreme, or one more or less."""
    values = list(struct.unpack(order + layout, data[: struct.calcsize(order + layout)]))
    place = dice.randrange(len(values))
    limit = 1 << 8 * struct.calcsize(layout[place])
    nearby = (values[place] + 1, values[place] - 1)
    values[place] = dice.choice((*EXTREME_WORDS, *nearby)) % limit
    return struct.pack(order + layout, *values) + data[struct.calcsize(order + layout) :]


def change_jpeg(content: bytes, dice: random.Random) -> bytes:
    """A JPEG with one segment changed, dropped, doubled or moved; lengths fit."""
    segments, scan = _jpeg_segments(content)
    place, action = dice.randrange(len(segments)), dice.random()
    marker, data = segments[place]
    frames = [i for i, (found, _) in enumerate(segments) if found in (0xC0, 0xC2)]
    if action < 0.3 and frames:
        segments[frames[0]] = (
            segments[frames[0]][0],
            _change_field(segments[frames[0]][1], dice, "BHHB"),
        )
    elif action < 0.6:
        segments[place] = (marker, change_blindly(data or b"x", dice))
    elif action < 0.7:
        del segments[place]
    elif action < 0.8:
        segments.insert(dice.randrange(len(segments)), segments[place])
    elif action < 0.9:
        segments[place] = (dice.randrange(0xC0, 0x100), data)
    else:
        scan = change_blindly(scan, dice)
    packed = (
        bytes((0xFF, marker)) + struct.pack(">H", min(len(data) + 2, 65_535)) + data
        for marker, data in segments
    )
    return b"\xff\xd8" + b"".join(packed) + scan


def _jpeg_segments(content: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Segments up to the start of the scan, and the rest of the file."""
    segments, start = [], 2
    while True:
        marker, (length,) = content[start + 1], struct.unpack_from(">H", content, start + 2)
        segments.append((marker, content[start + 4 : start + 2 + length]))
        start += 2 + length
        if marker == 0xDA:
            return segments, content[start:]


def change_webp(content: bytes, dice: random.Random) -> bytes:
    """A WebP with a changed chunk; the length of the whole fits."""
    body = bytearray(content[12:])
    if dice.random() < 0.5:
        body[4:8] = _change_field(bytes(body[4:8]), dice, "I", "<")
    else:
        body[8:] = change_blindly(bytes(body[8:]), dice)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + bytes(body)


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
ZIP_FIELDS = {LOCAL: "HHHHHIIIHH", CENTRAL: "HHHHHHIIIHHHHHII", END: "HHHHIIH"}
ODD_NAMES = (
    *("", "/", ".", "..", "../a.png", "a\\b.png", "/a.png", "C:\\a.png", "a.png\0.txt", "a//b.png"),
    *("ä.png", "\x1b[31m.png", "a\nb.png", "x" * 300 + ".png", "a.png/", "class0/./000.png"),
    *("dataset.json", "stylesmith.json", "class0/dataset.json"),
)


def change_zip(content: bytes, dice: random.Random) -> bytes:
    """A zip with a wrong field in one of its headers, or written anew with an odd entry."""
    if dice.random() < 0.6:
        return change_zip_header(content, dice)
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(output, "w") as new:
        entries = [(name, old.read(name)) for name in old.namelist()]
        place = dice.randrange(len(entries))
        name, data = entries[place]
        if dice.random() < 0.5:
            entries[place] = (dice.choice(ODD_NAMES), data)
        elif name.endswith(".json"):
            entries[place] = (name, change_json_file(data, dice))
        else:
            entries.append((name, data) if dice.random() < 0.5 else (name + ".png", b""))
        with warnings.catch_warnings():  # about a name that comes twice
            warnings.simplefilter("ignore")
            for name, data in entries:
                new.writestr(name or "x", data, dice.choice((0, 0, 8, 12, 14)))
    return output.getvalue()


def change_zip_header(content: bytes, dice: random.Random) -> bytes:
    data, signature = bytearray(content), dice.choice((LOCAL, CENTRAL, CENTRAL, END))
    starts, found = [], data.find(signature)
    while found >= 0:
        starts.append(found + 4)
        found = data.find(signature, found + 1)
    start, size = dice.choice(starts), struct.calcsize("<" + ZIP_FIELDS[signature])
    header = bytes(data[start : start + size])
    data[start : start + size] = _change_field(header, dice, ZIP_FIELDS[signature], "<")
    return bytes(data)


def change_tensor_file(content: bytes, dice: random.Random) -> bytes:
    """A file of ours with another tensor or header value and a checksum that fits."""
    if dice.random() < 0.2:
        return change_safetensors_header(content, dice)
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    tensors, header = load(content), json.loads(metadata["stylesmith"])
    if dice.random() < 0.5:
        header = change_json(header, dice)
    else:
        _change_tensors(tensors, dice)
    label = json.dumps(header)
    checksum = zlib.crc32(label.encode())
    for name, tensor in sorted(tensors.items()):
        checksum = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), checksum)
        checksum = zlib.crc32(bytes(tensor.reshape(-1).view(torch.uint8).tolist()), checksum)
    return save(tensors, {"stylesmith": label, "crc32": str(checksum)})


def _change_tensors(tensors: dict[str, Tensor], dice: random.Random) -> None:
    """Another value, dtype, shape or name of one tensor."""
    name = dice.choice(sorted(tensors))
    tensor = tensors[name]
    action = dice.randrange(7)
    if action <= 1:
        flat = tensor.clone().reshape(-1)
        value = dice.choice((float("nan"), float("inf"), -1e38, 1e38, 1e20, 0.0, -1.0))
        if flat.is_floating_point() and len(flat):
            flat[dice.randrange(len(flat)) if dice.random() < 0.5 else slice(None)] = value
        tensors[name] = flat.reshape(tensor.shape)
    elif action == 2:
        dtypes = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool)
        tensors[name] = tensor.nan_to_num().to(dice.choice(dtypes))
    elif action == 3:
        shapes = (tensor[None], tensor.reshape(-1), tensor.reshape(-1)[:0], tensor.sum())
        tensors[name] = dice.choice(shapes).clone()
    elif action == 4:
        del tensors[name]
    elif action == 5:
        tensors[dice.choice(("", "unknown", name + "\n", name.upper()))] = tensor.clone()
    else:
        other = dice.choice(sorted(tensors))
        tensors[name], tensors[other] = tensors[other], tensors[name]


def change_safetensors_header(content: bytes, dice: random.Random) -> bytes:
    """The header of the container itself with one node changed; its length fits."""
    length = int.from_bytes(content[:8], "little")
    header: Any = change_json(json.loads(content[8 : 8 + length]), dice)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
