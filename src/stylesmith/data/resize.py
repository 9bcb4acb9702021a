"""Crop to the wanted shape around the center, then resize; bars around it if asked for."""

from typing import Literal

from PIL import Image

ResizeFilter = Literal["lanczos", "box"]
"""Lanczos is sharp; box averages, as some published data sets were made."""

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


def pad_with_black(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in the middle of a black image of `size` (height, width), without alpha."""
    height, width = size
    image = Image.new(picture.mode, (width, height))
    image.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return image
