"""Metadata makes no difference: large, broken or odd, the pixels are read."""

import io
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from stylesmith.data.dataset import open_dataset
from stylesmith.data.decode import decode_image, parse_header
from stylesmith.data.metadata import exif_orientation, strip_metadata

IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))


def encode(format: str, **options) -> bytes:
    buffer = io.BytesIO()
    IMAGE.save(buffer, format, **options)
    return buffer.getvalue()


def with_png_chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    """A PNG with one more chunk behind its header."""
    content = encode("PNG")
    sum_ = zlib.crc32(kind + data) if crc is None else crc
    chunk = len(data).to_bytes(4, "big") + kind + data + sum_.to_bytes(4, "big")
    return content[:33] + chunk + content[33:]


def with_jpeg_segment(marker: int, data: bytes) -> bytes:
    """A JPEG with one more segment at its start."""
    content = encode("JPEG")
    segment = bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data
    return content[:2] + segment + content[2:]


def much_text(parts: int, length: int) -> bytes:
    info = PngInfo()
    for part in range(parts):
        info.add_text(f"key {part}", "x" * length, zip=True)
    return encode("PNG", pnginfo=info)


PNG = {
    "one text larger than Pillow's limit": lambda: much_text(1, 3 << 20),
    "text larger than Pillow's limit in all": lambda: much_text(70, 1_000_000),
    "a large color profile": lambda: encode("PNG", icc_profile=bytes(5 << 20)),
    "a broken color profile": lambda: with_png_chunk(b"iCCP", b"name\0\0broken"),
    "an unknown compression": lambda: with_png_chunk(b"iCCP", b"name\0\7x"),
    "text with a wrong checksum": lambda: with_png_chunk(b"tEXt", b"key\0text", crc=1),
    "broken international text": lambda: with_png_chunk(b"iTXt", b"key\0\1\0\0\0broken"),
    "broken EXIF": lambda: with_png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + b"x" * 50),
    "a broken animation": lambda: with_png_chunk(b"acTL", b"\0"),
    "a broken resolution": lambda: with_png_chunk(b"pHYs", b"\0"),
}
JPEG = {
    "broken EXIF": lambda: with_jpeg_segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"x" * 50),
    "EXIF cut short": lambda: with_jpeg_segment(0xE1, b"Exif\0\0II*\0"),
    "a broken multi-picture index": lambda: with_jpeg_segment(0xE2, b"MPF\0broken"),
    "a broken color profile": lambda: with_jpeg_segment(0xE2, b"ICC_PROFILE\0\5\1x"),
    "a large color profile": lambda: encode("JPEG", icc_profile=bytes(500_000)),
    "broken Photoshop data": lambda: with_jpeg_segment(0xED, b"Photoshop 3.0\08BIM\4\4"),
}


@pytest.mark.parametrize("make", PNG.values(), ids=PNG)
def test_metadata_of_png_makes_no_difference(make):
    content = make()
    assert parse_header(content).size == (32, 48)
    np.testing.assert_array_equal(np.asarray(decode_image(content)), np.asarray(IMAGE))


@pytest.mark.parametrize("make", JPEG.values(), ids=JPEG)
def test_metadata_of_jpeg_makes_no_difference(make):
    content = make()
    assert parse_header(content).size == (32, 48)
    wanted = np.asarray(decode_image(encode("JPEG")))
    np.testing.assert_array_equal(np.asarray(decode_image(content)), wanted)


def test_a_data_set_with_such_images_is_read_to_its_end(make_folder):
    contents = {f"{i}.png": make() for i, make in enumerate(PNG.values())}
    contents |= {f"{i}.jpg": make() for i, make in enumerate(JPEG.values())}
    data = open_dataset(make_folder(contents), size=(32, 32))
    assert len(data) == len(contents)
    for index in range(len(data)):
        data.pixels(index)


def test_a_large_sound_image_is_read_without_a_warning():
    buffer = io.BytesIO()
    Image.new("1", (10_000, 9_500)).save(buffer, "PNG")  # Pillow warns from 89 million pixels on
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_header(buffer.getvalue()).size == (9_500, 10_000)
        assert decode_image(buffer.getvalue()).size == (10_000, 9_500)


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_stripping_leaves_a_plain_file_and_keeps_cut_ones_cut(format):
    content = encode(format)
    assert strip_metadata(content) == (content, b"")
    for cut in (3, 20, 100, len(content) // 2):
        assert strip_metadata(content[:cut]) == (content[:cut], b"")


@pytest.mark.parametrize("order", ["little", "big"])
def test_the_orientation_is_found_behind_other_entries(order):
    start = {"little": b"II*\0", "big": b"MM\0*"}[order]

    def entry(tag: int, value: int) -> bytes:
        fields = [(tag, 2), (3, 2), (1, 4), (value, 2), (0, 2)]
        return b"".join(number.to_bytes(size, order) for number, size in fields)

    def exif(value: int) -> bytes:
        head = start + (8).to_bytes(4, order) + (2).to_bytes(2, order)
        return head + entry(0x0100, 9) + entry(0x0112, value)

    assert [exif_orientation(exif(value)) for value in range(10)] == [1, *range(1, 9), 1]
    whole = exif(6)
    assert {exif_orientation(whole[:cut]) for cut in range(len(whole) - 3)} == {1}
