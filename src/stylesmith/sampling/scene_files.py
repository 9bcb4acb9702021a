"""Scenes in files and on the command line: as JSON, and inside the PNG of their picture."""

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import PngImagePlugin
from pydantic import ValidationError
from torch import Tensor

from stylesmith import images
from stylesmith.config.base import format_validation_error
from stylesmith.errors import DataError, UsageError
from stylesmith.formatting import format_command
from stylesmith.networks.sampling_pipeline import NoiseSettings
from stylesmith.sampling.scene import MAX_SCENE_BYTES, Scene

SCENE_KEYWORD = "stylesmith scene"
"""Keyword of the PNG text chunk (iTXt) that holds a scene."""
MODEL_KEYWORD = "stylesmith model"
"""Keyword of the chunk that holds the hash of the generator."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def parse_scene(text: str | bytes) -> Scene:
    """A scene from JSON.

    Raises:
        UsageError: If it is longer than 64 KiB or no scene; the message has no place in front.
    """
    if len(text) > MAX_SCENE_BYTES:
        raise UsageError(f"longer than {MAX_SCENE_BYTES} bytes, which no scene is")
    return _valid(Scene.model_validate_json, text)


def check_scene(value: Any) -> Scene:
    """A scene from a value that was read from JSON.

    Raises:
        UsageError: If it is no scene.
    """
    return _valid(Scene.model_validate, value)


def _valid(validate: Callable[[Any], Scene], value: Any) -> Scene:
    try:
        return validate(value)
    except ValidationError as error:
        raise UsageError(f"not a scene: {format_validation_error(error)}") from None


def read_scene(source: str) -> Scene:
    """A scene from JSON text, a JSON file, or a PNG file that holds one.

    Raises:
        UsageError: If the text, or what the file holds, is no scene.
        DataError: If the file is missing, or a PNG file without a scene.
    """
    if source.lstrip().startswith("{"):
        return _parse_named("--scene", source)
    try:
        with Path(source).open("rb") as file:
            head = file.read(len(_PNG_SIGNATURE))
            if head == _PNG_SIGNATURE:
                return _parse_named(source, _find_scene_text(file, source))
            return _parse_named(source, head + file.read(MAX_SCENE_BYTES))
    except OSError as error:
        raise DataError(
            f"{source}: {error.strerror}; wanted a scene as a .json or .png file, or as JSON"
        ) from None


def encode_scene_png(image: Tensor, scene: Scene, *, model: str) -> bytes:
    """One float image, `(C, H, W)`, as the bytes of a PNG file with its scene inside.

    Args:
        image: The picture of the scene.
        scene: What it was drawn by.
        model: Hash of the generator.
    """
    text = PngImagePlugin.PngInfo()
    text.add_itxt(SCENE_KEYWORD, scene.to_json())
    text.add_itxt(MODEL_KEYWORD, model)
    buffer = io.BytesIO()
    options = images.SAVE_OPTIONS["PNG"]
    images.to_pil_image(image).save(buffer, "PNG", pnginfo=text, **options)
    return buffer.getvalue()


def scene_command(
    model: str, scene: Scene, *options: object, class_names: Sequence[str] | None = None
) -> str:
    """The line that draws exactly this picture: `stylesmith generate avatars --seeds 3 ...`.

    Args:
        model: As the user wrote it.
        scene: What to draw.
        options: More words, such as `--device`, `cpu`.
        class_names: Of the generator; `--class` takes a name before a number.
    """
    words = ["generate", model, *_scene_options(scene, class_names), *options]
    return format_command(*words, "--out", f"seed{scene.seed:04d}.png")


def _scene_options(scene: Scene, class_names: Sequence[str] | None) -> list[object]:
    """Options of `generate` that say all of a scene; `--scene` where there are none."""
    noise = scene.noise
    own_noise = noise.seed in (None, scene.seed) or noise.mode != "random"
    more = scene.mix or scene.moves or scene.layer_psi is not None
    if more or noise.strength != 1 or not own_noise:
        return ["--scene", scene.to_json()]
    if noise.layers is not None and (noise.mode == "none" or not noise.layers):
        return ["--scene", scene.to_json()]
    words: list[object] = ["--seeds", scene.seed, "--psi", scene.psi]
    if scene.center != "global":
        words += ["--center", scene.center]
    if isinstance(scene.label, tuple):
        words += ["--label", ",".join(map(repr, scene.label))]
    elif scene.label is not None:
        words += ["--class", class_names[scene.label] if class_names else scene.label]
    if (shown := str(NoiseSettings(noise.mode, noise.layers))) != "fixed":
        words += ["--noise", shown]
    return words


def _parse_named(name: str, text: str | bytes) -> Scene:
    try:
        return parse_scene(text)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _find_scene_text(file: io.BufferedReader, name: str) -> bytes:
    """The scene of a PNG file behind its signature; pixels are not read."""
    wanted = f"{SCENE_KEYWORD}\0\0\0\0\0".encode()  # no compression, language or translation
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind == b"iTXt" and length <= MAX_SCENE_BYTES + len(wanted):
            chunk = file.read(length)
            if chunk.startswith(wanted):
                return chunk.removeprefix(wanted)
            file.seek(4, io.SEEK_CUR)
        else:
            file.seek(length + 4, io.SEEK_CUR)
    raise DataError(f"{name}: holds no scene; the explorer's Save writes PNG files with one")
