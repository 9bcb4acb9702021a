"""Frames to a file: mp4 and webm by PyAV, gif and webp by Pillow.

Small frames are enlarged by a whole factor, so that players show more than a stamp.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.errors import UsageError

VIDEO_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("libx264", {"crf": "16", "preset": "medium"}),
    ".webm": ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1"}),
}
"""Codec and its options; a lower crf is a better picture."""
PILLOW_OPTIONS: dict[str, dict[str, Any]] = {
    ".gif": {"disposal": 1},
    ".webp": {"quality": 90, "method": 4},
}
MIN_VIDEO_HEIGHT = 256
"""Rows of the smallest video."""
MAX_FRAME_BYTES = 2 << 30
"""Of the frames that Pillow keeps in memory."""


def check_video_path(path: Path) -> None:
    """Refuse a file that cannot be written, before any frame is drawn.

    Raises:
        UsageError: If the suffix is of no video, or what it needs is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in VIDEO_CODECS | PILLOW_OPTIONS:
        raise UsageError(f"--out {path}: wanted a .mp4, .webm, .gif or .webp video")
    if suffix in VIDEO_CODECS:
        try:
            import av  # noqa: F401
        except ImportError:
            raise UsageError(
                f'--out {path}: needs PyAV: pip install "stylesmith[video]". '
                ".gif and .webp work without."
            ) from None


def write_video(path: Path, frames: Iterable[Tensor], *, fps: int) -> None:
    """Write frames `(C, H, W)`, -1..1, as a video that repeats where the format can say so.

    Raises:
        UsageError: If the suffix is of no video, what it needs is not installed, or a gif or webp
            would take too much memory.
        OutputError: If the file cannot be written.
    """
    check_video_path(path)
    suffix = path.suffix.lower()
    write: Callable[[Path, Iterator[Image.Image], int], None]
    write = _write_av if suffix in VIDEO_CODECS else _write_pillow
    pictures = (enlarge_frame(pixels.to_pil_image(frame)) for frame in frames)
    files.write_atomically(path, lambda temporary: write(temporary, pictures, fps))


def enlarge_frame(image: Image.Image) -> Image.Image:
    """RGB, at least 256 rows, with even sides as video codecs want them."""
    factor = math.ceil(MIN_VIDEO_HEIGHT / image.height)
    if factor % 2 and (image.height % 2 or image.width % 2):
        factor += 1
    size = image.width * factor, image.height * factor
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


def _write_av(path: Path, images: Iterator[Image.Image], fps: int) -> None:
    import av

    codec, options = VIDEO_CODECS[path.suffix.lower()]
    first = next(images)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuv420p"
        for picture in _prepend(first, images):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write_pillow(path: Path, images: Iterator[Image.Image], fps: int) -> None:
    kept: list[Image.Image] = []
    for picture in images:
        kept.append(picture)
        if len(kept) * 3 * picture.width * picture.height > MAX_FRAME_BYTES:
            raise UsageError(
                f"{path.suffix} keeps all frames in memory, and {len(kept)} of them take more than "
                "2 GB: write .mp4 or .webm, or draw fewer frames"
            )
    kept[0].save(
        path,
        save_all=True,
        append_images=kept[1:],
        duration=_frame_milliseconds(path, fps),
        loop=0,
        **PILLOW_OPTIONS[path.suffix.lower()],
    )


def _frame_milliseconds(path: Path, fps: int) -> int:
    """Milliseconds of a frame; gif counts in hundredths, and players slow down below two."""
    if path.suffix.lower() == ".gif":
        return max(2, round(100 / fps)) * 10
    return round(1000 / fps)


def _prepend(first: Image.Image, rest: Iterator[Image.Image]) -> Iterator[Image.Image]:
    yield first
    yield from rest
