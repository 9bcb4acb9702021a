"""Image files without their metadata, which can keep Pillow from opening them.

Text, color profiles and previews are dropped before the file is decoded. EXIF is read for the
orientation alone.
"""

import struct
from collections.abc import Iterator

_ORIENTATION_TAG = 0x0112
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK = struct.Struct(">I4s")
_NEEDED_PNG_CHUNKS = frozenset({b"tRNS"})
"""Optional chunks that change pixels; required ones begin with a capital letter."""
_NEEDED_JPEG_SEGMENTS = frozenset({0xE0, 0xEE})
"""JFIF and Adobe, which tell the color space."""
_JPEG_EXIF = b"Exif\0\0"


def strip_metadata(content: bytes) -> tuple[bytes, bytes]:
    """Take the metadata out of a PNG or JPEG file; other files are returned as they are.

    Args:
        content: The file, or its beginning.

    Returns:
        The file that shows the same pixels, and its EXIF data, empty if there is none.
    """
    if content.startswith(_PNG_START):
        return _strip_png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _strip_jpeg(content)
    return content, b""


def exif_orientation(exif: bytes) -> int:
    """The orientation in EXIF data, 1 to 8; 1, which is upright, if there is none."""
    tiff = exif.removeprefix(_JPEG_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "<")
    try:
        (start,) = struct.unpack_from(f"{order}4xI", tiff)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for i in range(count):
            tag, value = struct.unpack_from(f"{order}H6xH2x", tiff, start + 2 + 12 * i)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else 1
    except struct.error:  # damaged EXIF leaves a good image
        pass
    return 1


def _strip_png(content: bytes) -> tuple[bytes, bytes]:
    kept, exif, end = [_PNG_START], b"", len(_PNG_START)
    for kind, start, end in _png_chunks(content):
        if kind == b"eXIf":
            exif = content[start + 8 : end - 4]
        elif kind[:1].isupper() or kind in _NEEDED_PNG_CHUNKS:
            kept.append(content[start:end])
    return b"".join([*kept, content[end:]]), exif


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk that is whole."""
    start = len(_PNG_START)
    while start + 12 <= len(content):
        length, kind = _PNG_CHUNK.unpack_from(content, start)
        end = start + 12 + length
        if end > len(content) or not kind.isalpha():
            return
        yield kind, start, end
        start = end


def _strip_jpeg(content: bytes) -> tuple[bytes, bytes]:
    kept, exif, end = [content[:2]], b"", 2
    for marker, start, end in _jpeg_segments(content):
        if marker == 0xE1 and not exif and content.startswith(_JPEG_EXIF, start + 4):
            exif = content[start + 4 : end]
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _NEEDED_JPEG_SEGMENTS:
            kept.append(content[start:end])
    return b"".join([*kept, content[end:]]), exif


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each whole segment before the pixels."""
    start = 2
    while start + 4 <= len(content) and content[start] == 0xFF:
        marker = content[start + 1]
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        if marker in {0x00, 0xFF, 0xD9, 0xDA} or 0xD0 <= marker <= 0xD7 or end > len(content):
            return
        yield marker, start, end
        start = end
