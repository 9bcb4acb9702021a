"""Text of options to numbers: seeds, layers by number or by group, strengths, crops.

Layers are numbered as in StyleGAN's Figure 3: two a level from the base up, 0-17 at 1024x1024, in
every kind of network. Layer i is the i-th convolution (or, in StyleGAN, AdaIN) with the noise that
it gets; in StyleGAN2 an odd layer also drives toRGB of the level below. Coarse layers are 4x4 to
8x8, middle ones 16x16 to 32x32, fine ones all above.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.tensor_file import TENSOR_FILE_SUFFIX

MAX_IMAGES = 1_000_000
"""Images of one command."""
MAX_STRENGTHS = 1000
"""Columns of an editing grid."""


def parse_range(part: str, option: str, text: str, wanted: str) -> range:
    """`7` or `0-3`, one part of the `text` of an option, as a range.

    Raises:
        UsageError: If the part is neither, or the range runs backwards.
    """
    match = _match(r"(\d+)\s*(?:-\s*(\d+)\s*)?", part, f"{option} {text!r}: wanted {wanted}")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UsageError(f"{option} {text!r}: the range {part.strip()} runs backwards")
    return range(first, last + 1)


def parse_seeds_and_paths(text: str, *, option: str = "--seeds") -> list[int | Path]:
    """Seeds and latent files from a list: `0-3,face.safetensors,8`.

    Raises:
        UsageError: If the text is malformed, asks for too many, or goes beyond 2**32 - 1.
    """
    found: list[int | Path] = []
    for part in text.split(","):
        new: Sequence[int | Path] = [Path(part.strip())]
        if not part.strip().lower().endswith(TENSOR_FILE_SUFFIX):
            wanted = "numbers and ranges, such as 0-15 or 3,5,8, or latent files"
            new = seeds = parse_range(part, option, text, wanted)
            if seeds[-1] >= 2**32:
                raise UsageError(f"{option} {text!r}: seeds end at {2**32 - 1}")
        if len(found) + len(new) > MAX_IMAGES:
            raise UsageError(
                f"{option} {text!r}: more than {MAX_IMAGES} images; draw them in parts"
            )
        found += new
    return found


def parse_strengths(text: str, *, option: str = "--strength") -> list[float]:
    """Evenly spaced numbers: `-3:3:7` -> `[-3, -2, -1, 0, 1, 2, 3]`.

    Raises:
        UsageError: If the text isn't FROM:TO:COUNT, or the count can't hold both ends.
    """
    error = f"{option} {text!r}: wanted FROM:TO:COUNT, such as -3:3:7"
    match = _match(r"([^:]*):([^:]*):\s*(\d{1,4})\s*", text, error)
    try:
        first, last, count = float(match[1]), float(match[2]), int(match[3])
    except ValueError:
        raise UsageError(error) from None
    if not (math.isfinite(first) and math.isfinite(last)):
        raise UsageError(error)
    if not 1 <= count <= MAX_STRENGTHS or (count == 1) != (first == last):
        counts = "1" if first == last else f"2 to {MAX_STRENGTHS}"
        raise UsageError(f"{option} {text!r}: from {first:g} to {last:g} there can be {counts}")
    step = (last - first) / max(count - 1, 1)
    return [first + i * step for i in range(count - 1)] + [last]


def parse_channel(text: str, *, option: str = "--channel") -> tuple[str, int]:
    """`LAYER:NUMBER`, such as `5:17` or `rgb5:17`.

    Raises:
        UsageError: If the text isn't that.
    """
    error = f"{option} {text!r}: wanted LAYER:NUMBER, such as 5:17 or rgb5:17"
    match = _match(r"((?:rgb)?\d+)\s*:\s*(\d+)\s*", text.lower(), error)
    return match[1], int(match[2])


def parse_crop(text: str, *, option: str = "--crop") -> tuple[int, int, int, int]:
    """`LEFT,TOP,RIGHT,BOTTOM` in pixels.

    Raises:
        UsageError: If the text isn't that, or holds no pixel.
    """
    error = f"{option} {text!r}: wanted LEFT,TOP,RIGHT,BOTTOM in pixels"
    match = _match(r"(\d+)" + r"\s*,\s*(\d+)" * 3 + r"\s*", text, error)
    left, top, right, bottom = (int(number) for number in match.groups())
    if left >= right or top >= bottom:
        raise UsageError(f"{option} {text!r}: holds no pixel")
    return left, top, right, bottom


def parse_grid(text: str, *, option: str = "--grid") -> tuple[int, int]:
    """`COLUMNSxROWS`, given back as rows and columns.

    Raises:
        UsageError: If the text isn't that.
    """
    error = f"{option} {text!r}: wanted COLUMNSxROWS, such as 3x2"
    match = _match(r"([1-9]\d?)\s*[xX]\s*([1-9]\d?)\s*", text, error)
    return int(match[2]), int(match[1])


def _match(pattern: str, text: str, error: str) -> re.Match[str]:
    """All of the text by a pattern of ASCII, after white space; raises UsageError(error)."""
    match = re.fullmatch(r"\s*" + pattern, text, re.ASCII)
    if not match:
        raise UsageError(error)
    return match


LayerIndices = tuple[int, ...]
"""Numbers of layers, in rising order."""

LAYER_GROUPS: dict[str, tuple[int, int]] = {"coarse": (0, 2), "middle": (2, 4), "fine": (4, 12)}
"""First level of each name, and the first one beyond it; the base is level 0."""


def count_layers(config: GeneratorConfig) -> int:
    """Two per level, whatever the kind of network."""
    return 2 * config.levels


def layer_groups(config: GeneratorConfig) -> dict[str, LayerIndices]:
    """Layers behind each name that this network has; together, every layer once."""
    spans = {
        name: range(2 * first, min(2 * beyond, count_layers(config)))
        for name, (first, beyond) in LAYER_GROUPS.items()
    }
    return {name: tuple(span) for name, span in spans.items() if span}


def parse_layers(text: str, config: GeneratorConfig, *, option: str) -> LayerIndices:
    """Layers from numbers, ranges and names: `0-3,6`, `coarse,fine`, `all`.

    Raises:
        UsageError: If the text is malformed, or names layers that this network doesn't have.
    """
    names = layer_groups(config) | {"all": tuple(range(count_layers(config)))}
    found: set[int] = set()
    for part in text.split(","):
        word = part.strip().lower()
        if word in names:
            found.update(names[word])
        elif word in LAYER_GROUPS:
            raise UsageError(f"{option} {text!r}: no {word} layers; {describe_layers(config)}")
        else:
            wanted = "numbers, ranges or names, such as 0-3, 8-17 or coarse,middle"
            layers = parse_range(part, option, text, wanted)
            if layers[-1] >= count_layers(config):
                raise UsageError(f"{option} {text!r}: {describe_layers(config)}")
            found.update(layers)
    return tuple(sorted(found))


def describe_layers(config: GeneratorConfig) -> str:
    """The layers of a network, for messages: `this network has the layers 0-7: coarse 0-3, ...`."""
    names = ", ".join(
        f"{name} {format_layers(span)}" for name, span in layer_groups(config).items()
    )
    return f"this network has the layers 0-{count_layers(config) - 1}: {names}"


def format_layers(layers: Sequence[int]) -> str:
    """The shortest way to write layers: `(0, 1, 2, 5)` -> `0-2,5`."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def check_layers(layers: Sequence[int], config: GeneratorConfig) -> None:
    """Refuse layers that aren't there.

    Raises:
        UsageError: If one lies beyond the network.
    """
    if beyond := [layer for layer in layers if not 0 <= layer < count_layers(config)]:
        raise UsageError(f"layer {beyond[0]}: {describe_layers(config)}")


def ws_rows(layers: Sequence[int], config: GeneratorConfig) -> list[int]:
    """Rows of `ws` `(N, num_ws, D)` that belong to layers; a traditional network has just one."""
    return [layer for layer in layers if layer < config.num_ws]


def noise_layers(config: GeneratorConfig) -> LayerIndices:
    """The layer that each noise map goes to; modulated networks have one map less than layers."""
    return tuple(range(len(config.noise_shapes)))
