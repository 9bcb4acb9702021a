"""Decoding of image files to 8-bit images, cropped and resized.

The message of each DataError is the reason alone; callers add the file's name.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from stylesmith.choices import ResizeFilter
from stylesmith.data.archive import MAX_BYTES, Archive
from stylesmith.data.metadata import exif_orientation, strip_metadata
from stylesmith.errors import DataError
from stylesmith.images import PIL_MODES

FIRST_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""Names that version 1 of `Dataset.fingerprint` takes for images."""
IMAGE_SUFFIXES = FIRST_SUFFIXES | {
    ".jfif",
    ".jpe",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".avif",
    ".ppm",
    ".pgm",
}
"""Names that are taken for images."""

FULL_RANGE = (0, 65535)
"""The range of values of 16-bit images; values of 8-bit images times 257 have the same."""

_GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"})
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation."""
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"P5": "PPM",
    b"P6": "PPM",
    b"PyRGBA": "PPM",  # pixels of containers; see `pixel_files`
}
_HEAD_BYTES, _TAIL_BYTES = 1 << 16, 1 << 12


@dataclass(frozen=True)
class ImageHeader:
    """Size and pixel format of an image, from its header."""

    size: tuple[int, int]
    """Height and width, upright: after EXIF rotation."""
    mode: str
    """Pillow's name of the pixel format in the file."""

    @property
    def is_gray(self) -> bool:
        """Whether it holds no color."""
        return self.mode in _GRAY_MODES


def read_header(archive: Archive, name: str) -> ImageHeader:
    """Read both ends of a file: format, size, and whether its end is there.

    Where the ends leave a doubt the whole file is decoded.

    Raises:
        DataError: If it is empty, no image, cut short or too large.
    """
    head, tail = archive.read_ends(name, _HEAD_BYTES, _TAIL_BYTES)
    if _format_of(head) and not _has_end_marker(head, tail, archive.sizes[name]):
        content = archive.read(name)
        decode_image(content)
        return parse_header(content)
    try:
        return parse_header(head)
    except DataError:  # long color profiles and thumbnails can push the size out of the head
        return parse_header(archive.read(name))


def parse_header(content: bytes) -> ImageHeader:
    """The header of an image, from the start of its file."""
    image, orientation = _open_image(content)
    width, height = image.size
    return ImageHeader((width, height) if orientation >= 5 else (height, width), image.mode)


def decode_image(content: bytes, *, value_range: tuple[int, int] = FULL_RANGE) -> Image.Image:
    """Decode an image: upright, 8 bits, and in mode L, LA, RGB or RGBA.

    Args:
        content: The file.
        value_range: What becomes black and what becomes white, as `read_value_range` gives them.

    Raises:
        DataError: If it is no image, damaged or too large.
    """
    image, orientation = _open_image(content)
    try:
        image.load()
        image = _to_plain_mode(image, value_range)
        return image.transpose(_UPRIGHT[orientation]) if orientation > 1 else image
    except Exception as error:  # each of Pillow's decoders has its own kinds
        raise DataError(_error_reason(error)) from error


def read_value_range(content: bytes) -> tuple[int, int]:
    """The least and the greatest value of an image, 0..65535; transparency does not count.

    Raises:
        DataError: If it is no image, damaged or too large.
    """
    image, _ = _open_image(content)
    if image.mode.startswith("I"):
        try:
            values = np.asarray(image)
        except Exception as error:
            raise DataError(_error_reason(error)) from error
        return max(0, int(values.min())), min(65535, int(values.max()))
    return image_value_range(decode_image(content))


def image_value_range(image: Image.Image) -> tuple[int, int]:
    """The least and the greatest value of a decoded image, 0..65535."""
    values = np.asarray(image)
    colors = values[..., :-1] if image.mode in {"LA", "RGBA"} else values
    return 257 * int(colors.min()), 257 * int(colors.max())


def convert_channels(image: Image.Image, channels: int) -> Image.Image:
    """Turn a decoded image into L, RGB or RGBA; with 1 or 3 channels it is laid on white."""
    mode = PIL_MODES[channels]
    if image.mode in {"LA", "RGBA"} and channels != 4:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        image = paper
    return image if image.mode == mode else image.convert(mode)


def image_to_array(image: Image.Image) -> np.ndarray:
    """The pixels of an L, RGB or RGBA image, uint8 `(C, H, W)`."""
    pixels = np.asarray(image)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.array(pixels, order="C")  # a copy: what Pillow shares cannot be written


def _open_image(content: bytes) -> tuple[Image.Image, int]:
    """An image that is not decoded yet, and its EXIF orientation, 1 to 8."""
    format_name = _format_of(content)
    if not format_name:
        raise DataError("not a PNG, JPEG or WebP image")
    content, exif = strip_metadata(content)
    Image.init()
    if format_name not in Image.OPEN:
        raise DataError(f"a {format_name} image, which this Pillow cannot read")
    try:
        # Not Image.open, whose limit of pixels is lower than ours and a warning at first.
        image: Image.Image = Image.OPEN[format_name][0](io.BytesIO(content), "")
    except Exception as error:
        raise DataError(f"its header cannot be read: {_error_reason(error)}") from error
    width, height = image.size
    if width * height * 4 > MAX_BYTES:
        raise DataError(
            f"would unpack to too many pixels: {width}x{height}, more than the limit of 1 GiB"
        )
    if image.mode == "F":
        raise DataError("holds floating-point values, whose range is not known; convert it first")
    return image, exif_orientation(exif or image.info.get("exif", b""))


def _to_plain_mode(image: Image.Image, value_range: tuple[int, int]) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits; Pillow itself would clip them
        low, high = value_range
        values = np.asarray(image).astype(np.int64).clip(low, high) - low
        span = high - low
        return Image.fromarray(((values * 510 + span) // (2 * span)).astype(np.uint8))
    if image.mode not in {"L", "LA", "RGB", "RGBA"} or "transparency" in image.info:
        gray = image.mode in _GRAY_MODES
        if image.has_transparency_data:
            image = image.convert("LA" if gray else "RGBA")
        else:
            image = image.convert("L" if gray else "RGB")
    return image if value_range == FULL_RANGE else _stretch(image, value_range)


def _stretch(image: Image.Image, value_range: tuple[int, int]) -> Image.Image:
    low, high = value_range
    values = (np.arange(256) * 257 - low).clip(0, high - low) * 255 / (high - low)
    table = values.round().astype(int).tolist()
    bands = len(image.getbands())
    has_alpha = image.mode in {"LA", "RGBA"}
    return image.point(table * (bands - has_alpha) + list(range(256)) * has_alpha)


def _format_of(head: bytes) -> str | None:
    """Pillow's name of the format, by the first bytes of a file."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:12] in {b"ftypavif", b"ftypavis"}:
        return "AVIF"
    for start, name in _SIGNATURES.items():
        if head.startswith(start):
            return name
    return None


def image_suffix(head: bytes) -> str:
    """Suffix for a PNG, JPEG or WebP file, by its first 12 bytes; empty for anything else."""
    return _STORED_SUFFIXES.get(_format_of(head) or "", "")


_STORED_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
"""Formats of image files that containers hold."""


def _has_end_marker(head: bytes, tail: bytes, size: int) -> bool:
    """Whether the end marker of the format is where it should be."""
    if head.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in tail  # phones write more after the end
    if head.startswith(b"\x89PNG"):
        return tail[-8:-4] == b"IEND"
    return head.startswith(b"RIFF") and size >= int.from_bytes(head[4:8], "little") + 8


def _error_reason(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return "cut short" if "truncated" in text.lower() else text.splitlines()[0]


_PILLOW_FILTERS = {"lanczos": Image.Resampling.LANCZOS, "box": Image.Resampling.BOX}


def center_crop_box(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centered part of `size` with the shape of `wanted`, both height and width.

    Returns:
        Left, top, right, bottom in whole pixels.
    """
    (height, width), (wanted_height, wanted_width) = size, wanted
    crop_height = max(1, min(height, round(width * wanted_height / wanted_width)))
    crop_width = max(1, min(width, round(height * wanted_width / wanted_height)))
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height


def crop_and_resize(
    image: Image.Image, size: tuple[int, int], filter: ResizeFilter = "lanczos"
) -> Image.Image:
    """Center-crop an L, RGB or RGBA image to the shape of `size` (height, width) and resize it."""
    height, width = size
    if image.size == (width, height):
        return image
    # Not resize(box=...), whose filter would mix in pixels from beyond the crop.
    part = image.crop(center_crop_box((image.height, image.width), size))
    return part.resize((width, height), _PILLOW_FILTERS[filter])


def pad_with_black(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image in the middle of a black one of `size` (height, width), without alpha."""
    height, width = size
    padded = Image.new(image.mode, (width, height))
    padded.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return padded
