"""Text of options to numbers: seeds, layers by number or by group, strengths, crops.

Layers are numbered as in StyleGAN's Figure 3: two a level from the base up, 0-17 at 1024x1024, in
every kind of network. Layer i is the i-th convolution (or, in StyleGAN, AdaIN) with the noise that
it gets; in StyleGAN2 an odd layer also drives toRGB of the level below. Coarse layers are 4x4 to
8x8, middle ones 16x16 to 32x32, fine ones all above.
"""

import math
import re
from collections.abc import Sequence

from stylesmith.config import LAYER_GROUPS, GeneratorConfig
from stylesmith.errors import UsageError

MAX_IMAGES = 1_000_000
"""Pictures of one command."""
MAX_STRENGTHS = 1000
"""Columns of an editing sheet."""


def parse_range(part: str) -> range | None:
    """`7` or `0-3` as a range; None if the text is neither.

    Raises:
        UsageError: If the range runs backwards.
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part, re.ASCII)
    if not match:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UsageError(f"the range {part.strip()} runs backwards")
    return range(first, last + 1)


def parse_seed_range(part: str, text: str, option: str) -> range:
    """One part of a list of seeds; `text`, the whole list, is named in errors.

    Raises:
        UsageError: If it is malformed, asks for too many, or goes beyond 2**32 - 1.
    """
    try:
        found = parse_range(part)
    except UsageError as error:
        raise UsageError(f"{option} {text!r}: {error}") from None
    if found is None:
        wanted = "wanted numbers and ranges, such as 0-15 or 3,5,8, or latent files"
        raise UsageError(f"{option} {text!r}: {wanted}")
    if found[-1] >= 2**32:
        raise UsageError(f"{option} {text!r}: seeds end at {2**32 - 1}")
    if found[-1] - found[0] >= MAX_IMAGES:
        raise UsageError(f"{option} {text!r}: more than {MAX_IMAGES} pictures; draw them in parts")
    return found


def parse_strengths(text: str, *, option: str = "--strength") -> list[float]:
    """Evenly spaced numbers: `-3:3:7` -> `[-3, -2, -1, 0, 1, 2, 3]`.

    Raises:
        UsageError: If the text isn't FROM:TO:COUNT, or the count can't hold both ends.
    """
    wanted = f"{option} {text!r}: wanted FROM:TO:COUNT, such as -3:3:7"
    parts = text.split(":")
    if len(parts) != 3 or not re.fullmatch(r"\s*\d{1,4}\s*", parts[2], re.ASCII):
        raise UsageError(wanted)
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    except ValueError:
        raise UsageError(wanted) from None
    if not (math.isfinite(first) and math.isfinite(last)):
        raise UsageError(wanted)
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
    match = re.fullmatch(r"\s*((?:rgb)?\d+)\s*:\s*(\d+)\s*", text, re.ASCII | re.IGNORECASE)
    if not match:
        raise UsageError(f"{option} {text!r}: wanted LAYER:NUMBER, such as 5:17 or rgb5:17")
    return match[1].lower(), int(match[2])


def parse_crop(text: str, *, option: str = "--crop") -> tuple[int, int, int, int]:
    """`LEFT,TOP,RIGHT,BOTTOM` in pixels.

    Raises:
        UsageError: If the text isn't that, or holds no pixel.
    """
    match = re.fullmatch(r"\s*(\d+)" + r"\s*,\s*(\d+)" * 3 + r"\s*", text, re.ASCII)
    if not match:
        raise UsageError(f"{option} {text!r}: wanted LEFT,TOP,RIGHT,BOTTOM in pixels")
    left, top, right, bottom = (int(number) for number in match.groups())
    if left >= right or top >= bottom:
        raise UsageError(f"{option} {text!r}: holds no pixel")
    return left, top, right, bottom


def parse_grid(text: str, *, option: str = "--grid") -> tuple[int, int]:
    """`COLUMNSxROWS`, given back as rows and columns.

    Raises:
        UsageError: If the text isn't that.
    """
    match = re.fullmatch(r"\s*([1-9]\d?)\s*[xX]\s*([1-9]\d?)\s*", text, re.ASCII)
    if not match:
        raise UsageError(f"{option} {text!r}: wanted COLUMNSxROWS, such as 3x2")
    return int(match[2]), int(match[1])


LayerIndices = tuple[int, ...]
"""Numbers of layers, in rising order."""


def parse_layers(text: str, config: GeneratorConfig, *, option: str) -> LayerIndices:
    """Layers from numbers, ranges and names: `0-3,6`, `coarse,fine`, `all`.

    Raises:
        UsageError: If the text is malformed, or names layers that this network doesn't have.
    """
    names = config.layer_groups() | {"all": tuple(range(config.num_layers()))}
    found: set[int] = set()
    for part in text.split(","):
        word = part.strip().lower()
        if word in names:
            found.update(names[word])
        elif word in LAYER_GROUPS:
            raise UsageError(f"{option} {text!r}: no {word} layers; {describe_layers(config)}")
        else:
            found.update(_parse_layer_range(part, text, config, option))
    return tuple(sorted(found))


def describe_layers(config: GeneratorConfig) -> str:
    """What a network has, for messages: `this network has the layers 0-7: coarse 0-3, ...`."""
    groups = config.layer_groups().items()
    names = ", ".join(f"{name} {format_layers(layers)}" for name, layers in groups)
    return f"this network has the layers 0-{config.num_layers() - 1}: {names}"


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
    if beyond := [layer for layer in layers if not 0 <= layer < config.num_layers()]:
        raise UsageError(f"layer {beyond[0]}: {describe_layers(config)}")


def ws_rows(layers: Sequence[int], config: GeneratorConfig) -> list[int]:
    """Which rows of `ws` `(N, num_ws, D)` belong to layers; a traditional network has just one."""
    return [layer for layer in layers if layer < config.num_ws]


def noise_layers(config: GeneratorConfig) -> LayerIndices:
    """The layer that each noise map goes to; modulated networks have one map less than layers."""
    return tuple(range(len(config.noise_shapes)))


def _parse_layer_range(part: str, text: str, config: GeneratorConfig, option: str) -> range:
    try:
        found = parse_range(part)
    except UsageError as error:
        raise UsageError(f"{option} {text!r}: {error}") from None
    if found is None:
        wanted = "wanted numbers, ranges or names, such as 0-3, 8-17 or coarse,middle"
        raise UsageError(f"{option} {text!r}: {wanted}")
    if found[-1] >= config.num_layers():
        raise UsageError(f"{option} {text!r}: {describe_layers(config)}")
    return found
