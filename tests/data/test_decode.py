"""Any kind of PNG, JPEG and WebP becomes the pixels that a person would see."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from stylesmith.data.decode import convert_channels, decode_image, image_to_array, parse_header
from stylesmith.errors import DataError


def pixels_of(image: Image.Image, channels: int, format: str = "PNG", **options) -> np.ndarray:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return image_to_array(convert_channels(decode_image(buffer.getvalue()), channels))


def flat(mode: str, color) -> Image.Image:
    return Image.new(mode, (4, 2), color)


@pytest.mark.parametrize(
    ("image", "rgb"),
    [
        (flat("RGB", (10, 20, 30)), (10, 20, 30)),
        (flat("L", 77), (77, 77, 77)),
        (flat("1", 1), (255, 255, 255)),
        (flat("1", 0), (0, 0, 0)),
        (flat("RGBA", (10, 20, 30, 255)), (10, 20, 30)),
        (flat("RGBA", (10, 20, 30, 0)), (255, 255, 255)),
        (flat("RGBA", (0, 0, 0, 51)), (204, 204, 204)),
        (flat("LA", (0, 51)), (204, 204, 204)),
        (flat("I;16", 65535), (255, 255, 255)),
        (flat("I;16", 257 * 100), (100, 100, 100)),
        (flat("P", 0), (0, 0, 0)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else str(value),
)
def test_png_modes_become_the_color_seen_on_white_paper(image, rgb):
    pixels = pixels_of(image, 3)
    assert pixels.shape == (3, 2, 4)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[:, 0, 0], rgb)


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = pixels_of(Image.fromarray(ramp), 1)
    np.testing.assert_array_equal(pixels[0].ravel(), np.arange(256))


def test_a_transparent_palette_entry_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    pixels = pixels_of(image, 3, transparency=1)
    np.testing.assert_array_equal(pixels[:, 0].T, [(255, 0, 0), (255, 255, 255)])


@pytest.mark.parametrize(("mode", "color"), [("RGB", (0, 0, 255)), ("L", 9), ("1", 0)])
def test_a_transparent_color_key_is_white_too(mode, color):
    pixels = pixels_of(flat(mode, color), 3, transparency=color)
    assert (pixels == 255).all()


def test_cmyk_becomes_rgb():
    pixels = pixels_of(flat("CMYK", (0, 255, 255, 0)), 3, "JPEG")  # no cyan: red
    red, green, blue = pixels[:, 0, 0].astype(int)
    assert red > 200 and green < 60 and blue < 60


def test_alpha_is_kept_when_four_channels_are_wanted():
    pixels = pixels_of(flat("RGBA", (10, 20, 30, 40)), 4)
    np.testing.assert_array_equal(pixels[:, 0, 0], (10, 20, 30, 40))
    np.testing.assert_array_equal(pixels_of(flat("RGB", (1, 2, 3)), 4)[:, 0, 0], (1, 2, 3, 255))


def test_one_channel_is_the_luminance():
    assert pixels_of(flat("RGB", (0, 255, 0)), 1)[0, 0, 0] == 150  # 0.587 * 255


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone_in_header_and_pixels(format, orientation):
    marked = Image.new("RGB", (48, 16), "white")
    marked.paste("black", (0, 0, 8, 8))  # top left, when upright
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = marked if undo is None else marked.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, format, exif=exif)
    pixels = image_to_array(convert_channels(decode_image(buffer.getvalue()), 3))
    assert parse_header(buffer.getvalue()).size == (16, 48)
    assert pixels.shape == (3, 16, 48)
    dark = pixels.mean(0) < 100
    assert dark[:7, :7].all() and dark.sum() < 100


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_cut_file_is_refused(format):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, format)
    with pytest.raises(DataError):
        decode_image(buffer.getvalue()[: len(buffer.getvalue()) // 2])


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("size", [20_000, 60_000])
def test_an_image_of_gigabytes_is_refused_before_decoding(size):
    with pytest.raises(DataError, match="would unpack to too many pixels"):
        parse_header(png_of_size(size, size))
    with pytest.raises(DataError, match="would unpack to too many pixels"):
        decode_image(png_of_size(size, size))
