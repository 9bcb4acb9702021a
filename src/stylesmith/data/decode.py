"""Decoding of PNG, JPEG and WebP files to 8-bit images, cropped and resized.

The message of each DataError is the reason alone; callers add the file's name.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from stylesmith.choices import ResizeFilter
from stylesmith.data.archive import MAX_BYTES, Archive
from stylesmith.errors import DataError
from stylesmith.images import PIL_MODES

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""Names that are taken for images."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"})
_ORIENTATION_TAG = 0x0112
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
    if _has_known_signature(head) and not _has_end_marker(head, tail, archive.sizes[name]):
        decode_image(archive.read(name))
    try:
        return parse_header(head)
    except DataError:  # long color profiles and thumbnails can push the size out of the head
        return parse_header(archive.read(name))


def parse_header(content: bytes) -> ImageHeader:
    """The header of an image, from the start of its file."""
    image = _open_image(content)
    width, height = image.size
    is_rotated = _orientation(image) >= 5
    return ImageHeader((width, height) if is_rotated else (height, width), image.mode)


def decode_image(content: bytes) -> Image.Image:
    """Decode an image: upright, 8 bits, and in mode L, LA, RGB or RGBA.

    Raises:
        DataError: If it is no image, damaged or too large.
    """
    image = _open_image(content)
    turned = _orientation(image) > 1
    try:
        image.load()
        image = _to_plain_mode(image)
        return ImageOps.exif_transpose(image) if turned else image
    except Exception as error:  # each of Pillow's decoders has its own kinds
        raise DataError(_error_reason(error)) from error


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


def _open_image(content: bytes) -> Image.Image:
    if not _has_known_signature(content):
        raise DataError("not a PNG, JPEG or WebP image")
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"would unpack to too many pixels: {_error_reason(error)}") from error
    except Exception as error:
        raise DataError("damaged at its start") from error
    width, height = image.size
    if width * height * 4 > MAX_BYTES:
        raise DataError(f"would unpack to {width}x{height} pixels, more than the limit of 1 GiB")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 is upright, 5 and more swap height and width."""
    if "exif" not in image.info:  # Pillow would decode a whole PNG to find it
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF leaves a good image
        return 1
    return value if value in range(1, 9) else 1


def _to_plain_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits; Pillow itself would clip them
        values = np.asarray(image).astype(np.uint32).clip(0, 65535)
        converted = Image.fromarray(((values + 128) // 257).astype(np.uint8))
        converted.info = {key: image.info[key] for key in {"exif"} & image.info.keys()}
        return converted
    if image.mode in {"L", "LA", "RGB", "RGBA"} and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in _GRAY_MODES else "RGBA")
    return image.convert("L" if image.mode in _GRAY_MODES else "RGB")


def _has_known_signature(head: bytes) -> bool:
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return webp or head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))


def _has_end_marker(head: bytes, tail: bytes, size: int) -> bool:
    """Whether the end marker of the format is where it should be."""
    if head.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in tail  # phones write more after the end
    if head.startswith(b"\x89PNG"):
        return tail[-8:-4] == b"IEND"
    return size >= int.from_bytes(head[4:8], "little") + 8


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
