"""Text of options to numbers: seeds, layers by number or by group, strengths, noise, crops."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from stylesmith.config.network import LAYER_GROUPS, GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.networks.layer_indices import LayerIndices, describe_layers
from stylesmith.networks.sampling_pipeline import NoiseSettings
from stylesmith.sampling.array_files import ARRAY_FILE_SUFFIXES
from stylesmith.tensor_file import TENSOR_FILE_SUFFIX

SOURCE_FILE_SUFFIXES = (TENSOR_FILE_SUFFIX, *ARRAY_FILE_SUFFIXES)
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
    """Seeds and files from a list: `0-3,face.safetensors,8,w.npy`.

    Raises:
        UsageError: If the text is malformed, asks for too many, or goes beyond 2**32 - 1.
    """
    found: list[int | Path] = []
    for part in text.split(","):
        new: Sequence[int | Path] = [Path(part.strip())]
        if not part.strip().lower().endswith(SOURCE_FILE_SUFFIXES):
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


def parse_classes(text: str, size: int) -> list[int] | None:
    """Several classes by number: `0-3`, `0,2` or `all`; None if the text is none of these.

    Args:
        text: Of an option; the name of a class is looked for before.
        size: Number of classes of the network.

    Raises:
        UsageError: If a range runs backwards, or a number is no class.
    """
    if text.strip().lower() == "all":
        return list(range(size))
    number = r"\s*(0|[1-9]\d*)\s*"
    if not re.fullmatch(f"{number}([-,]{number})+", text, re.ASCII):
        return None
    ranges = [parse_range(part, "--class", text, "classes") for part in text.split(",")]
    if (largest := max(part[-1] for part in ranges)) >= size:
        raise UsageError(f"--class {text!r}: there is no class {largest}, only 0-{size - 1}")
    return [number for part in ranges for number in part]


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
            wanted = "numbers, ranges or names, such as 0-3, 8-17 or coarse,middle"
            layers = parse_range(part, option, text, wanted)
            if layers[-1] >= config.num_layers():
                raise UsageError(f"{option} {text!r}: {describe_layers(config)}")
            found.update(layers)
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
