"""Durations, sizes, counts and commands in the words of messages and reports."""

import shlex
from collections.abc import Sequence
from pathlib import Path


def format_duration(seconds: float, *, estimate: bool = False) -> str:
    """Seconds in few words: `42 s`, `5 min 3 s`, `2 h 10 min`, `3 d 4 h`.

    Args:
        seconds: Any duration; parts of a second are rounded.
        estimate: Give one number, such as `2 min` or `3.5 h`, which claims no more precision.
    """
    if estimate:
        return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    rest, parts = round(seconds), []
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append((name, count))
        elif parts:
            break
    return " ".join(f"{count} {name}" for name, count in parts[:2]) or "0 s"


def format_bytes(size: float) -> str:
    """Bytes in words, such as "95.6 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def format_image_size(size: tuple[int, int]) -> str:
    """Height and width as people write them: `512x384` is 512 wide."""
    return f"{size[1]}x{size[0]}"


def format_image_count(images_seen: int) -> str:
    """A number of images in a few letters: `7,640`, `40 thousand`, `2.5 million`."""
    if images_seen < 1000 or (images_seen < 10_000 and images_seen % 1000):
        return f"{images_seen:,}"
    if images_seen < 1_000_000:
        return f"{images_seen / 1000:.4g} thousand"
    return f"{images_seen / 1e6:.4g} million"


def format_command(*words: object, program: str = "stylesmith") -> str:
    """A command that can be pasted into a shell: `stylesmith train --resume 'my runs/a'`.

    Args:
        words: What follows the program. A path whose name begins with a dash becomes `./-name`.
        program: The program.
    """
    texts = [
        f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
        for word in words
    ]
    return shlex.join([program, *texts])


def format_count(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def shorten_list(names: Sequence[str]) -> str:
    """The first ten names, separated by commas; `...` stands for more."""
    return ", ".join([*names[:10], *(["..."] if len(names) > 10 else [])])
