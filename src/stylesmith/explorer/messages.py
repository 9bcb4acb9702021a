"""Messages between page and server: JSON up, and JSON or pixels down."""

import struct
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from stylesmith.config.base import Config, format_validation_error
from stylesmith.errors import UsageError

MAX_MESSAGE_BYTES = 1 << 16
"""Length of a message from the page."""
PICTURE_KINDS = {"draw": 1, "thumbnail": 2, "save": 3}
"""Number of each kind of picture in the header of a binary message."""
THUMBNAIL_PIXELS = 96
"""Longest side of a thumbnail."""


class SceneRequest(Config):
    """A wish for a picture."""

    kind: Literal["draw", "thumbnail", "save"]
    """The picture that is shown; a small one; or the bytes of a PNG file."""
    id: Annotated[int, Field(strict=True, ge=0, lt=2**32)]
    """Comes back with the answer."""
    scene: dict[str, Any]
    """Read when it is drawn, so that what is wrong with it is answered under its id."""


class Received(Config):
    """The page has the last picture, and may get another."""

    kind: Literal["received"]


_MESSAGE: TypeAdapter[SceneRequest | Received] = TypeAdapter(
    Annotated[SceneRequest | Received, Field(discriminator="kind")]
)


def parse_message(text: str) -> SceneRequest | Received:
    """A message from the page.

    Raises:
        UsageError: If it is none.
    """
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        raise UsageError(f"message: {format_validation_error(error)}") from None


@dataclass(frozen=True)
class Answer:
    """Answer to a request: JSON, then a binary message where there is a picture."""

    about: dict[str, Any]
    picture: bytes | None = None


def frame_picture(request: SceneRequest, size: tuple[int, int], content: bytes) -> bytes:
    """A picture behind 16 bytes of header: id, kind, width, height, little-endian.

    Args:
        request: What is answered.
        size: Height and width.
        content: RGBA pixels row by row, or a PNG file.
    """
    height, width = size
    kind = PICTURE_KINDS[request.kind]
    return struct.pack("<4I", request.id, kind, width, height) + content
