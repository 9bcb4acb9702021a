"""Names of files in folders and zips: of other systems, of other programs, and with numbers."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath

_SYSTEM_NAMES = frozenset(
    {
        "__macosx",  # resource forks, in zips made on macOS
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "@eadir",  # thumbnails of Synology
        "@tmp",
        "@recycle",
        "#recycle",
        "__pycache__",
        "icon\r",
    }
)
_UTF8_FLAG = 0x800


def is_system_file(name: str) -> bool:
    """Whether a file or folder belongs to a system or a program, not to the user's images.

    Hidden names (`.DS_Store`, `._a.jpg`, `.thumbnails`) and those that systems make are.
    """
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def zip_member_name(info: zipfile.ZipInfo) -> str:
    """The name of a file in a zip with `/` between its parts; a folder ends in `/`.

    Names without the UTF-8 flag are in code page 437 by the standard, yet macOS writes UTF-8 there
    too.
    """
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG:
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    return plain_path(name) + ("/" if name.endswith(("/", "\\")) else "")


def plain_path(name: str) -> str:
    """A path with `/` between its parts, whatever the system that wrote it; no `./`, no `//`."""
    return str(PurePosixPath(name.replace("\\", "/")))


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Sort key that orders numbers in names as numbers: `2` before `10`."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def printable_name(name: str) -> str:
    r"""The name with bytes that are no UTF-8 written as `\xNN`, so that every file can hold it."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def missing_parts(names: Sequence[str]) -> list[str]:
    """Names that are missing among numbered parts of one set.

    Of `a-00000-of-00004` all are known, of `a-00000.tar` those between the first and the last.
    """
    found = [re.fullmatch(r"(.*?)(\d+)(-of-(\d+)\D*|\D*)", name) for name in names]
    if None in found or len({(match[1], match[3]) for match in found if match}) != 1:
        return []
    there = {int(match[2]): match for match in found if match}
    one = next(iter(there.values()))
    wanted = range(int(one[4])) if one[4] else range(min(there), max(there) + 1)
    return [f"{one[1]}{number:0{len(one[2])}d}{one[3]}" for number in wanted if number not in there]
