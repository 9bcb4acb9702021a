"""Text of options to numbers: seeds, layers by number or by group, strengths, noise, crops."""

import math
import re

from stylesmith.config import LAYER_GROUPS, GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.networks.layer_indices import (
    LayerIndices,
    describe_layers,
)
from stylesmith.networks.sampling_pipeline import NoiseSettings

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


def parse_noise(text: str, config: GeneratorConfig, *, option: str = "--noise") -> NoiseSettings:
    """`fixed`, `random`, `none`, layers that get the fixed noise (`8-17`), or `random:8-17`.

    Raises:
        UsageError: If it is none of these, or names layers that this network doesn't have.
    """
    mode, colon, layers = text.strip().lower().partition(":")
    if mode not in ("fixed", "random", "none"):
        if colon or not re.search(r"\d|coarse|middle|fine|all", mode):
            wanted = "wanted 'fixed', 'random', 'none', or layers such as 8-17 or random:8-17"
            raise UsageError(f"{option} {text!r}: {wanted}")
        mode, colon, layers = "fixed", ":", text
    chosen = parse_layers(layers, config, option=option) if colon else None
    if mode == "none" and chosen is not None:
        raise UsageError(f"{option} {text!r}: none is for all layers; name those that get noise")
    return NoiseSettings(mode, chosen)  # type: ignore[arg-type]  # one of the three


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
