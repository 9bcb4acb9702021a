"""CRC-32C (Castagnoli), the checksum of TFRecord files, in numpy.

Long data is cut into lanes of equal length, whose checksums are computed side by side and then
joined: the checksum of zeros appended to data is a linear function of its checksum.
"""

from functools import lru_cache

import numpy as np

_POLYNOMIAL = 0x82F63B78  # bits reversed
_LANE_BYTES = 512
_SHORT = 64


def _byte_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _byte_table()


def crc32c(data: bytes | memoryview) -> int:
    """The checksum of some bytes."""
    if len(data) > _SHORT:
        return _long_crc(np.frombuffer(data, np.uint8))
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes | memoryview) -> int:
    """The checksum as TFRecord files keep it: rotated, and with a constant added."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _long_crc(data: np.ndarray) -> int:
    lanes = 1 << max(0, (-(-len(data) // _LANE_BYTES) - 1).bit_length())
    # Zeros in front change nothing once the initial value is moved into the first four bytes.
    padded = np.zeros(lanes * _LANE_BYTES, np.uint8)
    padded[-len(data) :] = data
    padded[len(padded) - len(data) :][:4] ^= 0xFF
    columns = padded.view("<u2").reshape(lanes, -1).T.astype(np.uint32)
    table, crcs = _pair_table(), np.zeros(lanes, np.uint32)
    for column in columns:
        crcs = table[(crcs ^ column) & 0xFFFF] ^ (crcs >> 16)
    length = _LANE_BYTES
    while len(crcs) > 1:
        crcs = _append_zeros(crcs[0::2], length) ^ crcs[1::2]
        length *= 2
    return int(crcs[0]) ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _pair_table() -> np.ndarray:
    """Change of a checksum by the next two bytes, by their value."""
    table = np.array(_TABLE, np.uint32)
    pairs = np.arange(1 << 16, dtype=np.uint32)
    first = table[pairs & 0xFF]
    return table[(first ^ (pairs >> 8)) & 0xFF] ^ (first >> 8)


def _append_zeros(crcs: np.ndarray, length: int) -> np.ndarray:
    tables = _zeros_tables(length)
    parts = [tables[i][(crcs >> (8 * i)) & 0xFF] for i in range(4)]
    return parts[0] ^ parts[1] ^ parts[2] ^ parts[3]


@lru_cache(maxsize=64)
def _zeros_tables(length: int) -> np.ndarray:
    """Checksums after `length` zeros, a power of two times the lane, by byte: `(4, 256)` uint32."""
    values = np.arange(256, dtype=np.uint32)[None] << (8 * np.arange(4, dtype=np.uint32))[:, None]
    if length > _LANE_BYTES:
        return _append_zeros(_append_zeros(values, length // 2), length // 2)
    table = np.array(_TABLE, np.uint32)
    for _ in range(length):
        values = table[values & 0xFF] ^ (values >> 8)
    return values
