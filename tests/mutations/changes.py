"""Changes of bytes, texts and JSON values, drawn from a seeded random number generator."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

Change = Callable[[bytes, random.Random], bytes]
"""From the content of a sound file to that of a changed one."""


def flip_bits(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def overwrite(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    data[start : start + dice.randrange(1, 9)] = dice.randbytes(dice.randrange(1, 9))


def truncate(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def remove_some(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    del data[start : start + dice.randrange(1, 64)]


def splice(data: bytearray, dice: random.Random) -> None:
    """Copy a part to another place."""
    start, place = dice.randrange(len(data)), dice.randrange(len(data))
    data[place:place] = data[start : start + dice.randrange(1, 200)]


def insert(data: bytearray, dice: random.Random) -> None:
    place = dice.randrange(len(data) + 1)
    data[place:place] = dice.choice((bytes(dice.randrange(1, 64)), dice.randbytes(16), b"\xff" * 8))


def set_byte(data: bytearray, dice: random.Random) -> None:
    """One byte that often is a length, a count, a digit or a delimiter."""
    data[dice.randrange(len(data))] = dice.choice(b'\x00\x01\x7f\x80\xff09-."{}[],:\n')


BLIND_CHANGES = (flip_bits, overwrite, truncate, remove_some, splice, insert, set_byte)


def change_blindly(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    dice.choice(BLIND_CHANGES)(data, dice)
    return bytes(data)


EXTREME_NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 255, 65_536, 10**6, 2**31, -(2**31) - 1, 2**63, -(2**64), 10**400),
    *(0.5, -0.5, 1e-320, 1e38, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)
OTHER_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "0", "nan", "a\nb", "\x1b[31m", "\0", "\ud800", "../../x", "x" * 5000),
    *([], {}, [[]], [None], [1, "a"], {"a": 1}, {"": {}}),
)


def change_value(value: Any, dice: random.Random) -> Any:
    """Another value for a node: of another type, size or sign, or nearly the same."""
    choice = dice.random()
    if choice < 0.35:
        return dice.choice(EXTREME_NUMBERS)
    if choice < 0.65:
        return copy.deepcopy(dice.choice(OTHER_VALUES))
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return dice.choice((-value, value + 1, value - 1, value * 2, value / 3, str(value)))
    if isinstance(value, str):
        return dice.choice((value.upper(), value + "x", value[:-1], value * 2, [value]))
    return [value] if dice.random() < 0.5 else {"x": value}


def change_json(value: Any, dice: random.Random) -> Any:
    """A copy with one node changed, dropped, added, doubled or moved."""
    changed = copy.deepcopy(value)
    places = list(_places(changed))
    if not places:
        return change_value(changed, dice)
    holder, key = dice.choice(places)
    action = dice.random()
    if action < 0.7:
        holder[key] = change_value(holder[key], dice)
    elif action < 0.82:
        del holder[key]
    elif isinstance(holder, dict):
        other, name = dice.choice(places)
        holder[dice.choice(("unknown", str(key) + " ", str(name)))] = copy.deepcopy(other[name])
    else:
        holder.insert(key, copy.deepcopy(dice.choice(holder)))
    return changed


def _places(value: Any) -> Any:
    """Every node below the root, as its holder and its key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys) if isinstance(value, dict | list) else ():
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def change_text(text: str, dice: random.Random) -> bytes:
    """The text with an oddity of encoding or notation, most often with none."""
    oddities: tuple[bytes, ...] = (
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("utf-16"),
        text.encode() + b"\n\n}",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b"1" * 5000,
        text.replace('"', "'").encode(),
        text.replace(":", ': 1e999, "x":', 1).encode(),
        text.encode() + b"\xff\xfe",
        text.replace("{", '{"version": 1, "version": 9,', 1).encode(),
    )
    return dice.choice(oddities) if dice.random() < 0.1 else text.encode()


def change_json_file(content: bytes, dice: random.Random) -> bytes:
    """A JSON file with one node changed, which still is JSON most of the time."""
    return change_text(json.dumps(change_json(json.loads(content), dice)), dice)


def change_log(content: bytes, dice: random.Random) -> bytes:
    """A file of JSON lines with a line changed, dropped, doubled or moved."""
    lines = content.splitlines()
    place, action = dice.randrange(len(lines)), dice.random()
    if action < 0.8:
        lines[place] = change_json_file(lines[place], dice)
    elif action < 0.87:
        del lines[place]
    elif action < 0.94:
        lines.insert(dice.randrange(len(lines)), lines[place])
    else:
        dice.shuffle(lines)
    return b"\n".join(lines) + dice.choice((b"\n", b"", b"\r\n", b"\n\n"))
