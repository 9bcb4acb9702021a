"""Packages that this one needs, by extra, as its own metadata lists them."""

import re
from importlib import metadata

DEVELOPMENT_EXTRA = "dev"
"""The extra of people who work on the package itself."""

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)\s*(?P<versions>[^;]*?)\s*(;.*extra == ['\"](?P<extra>[\w.-]+)['\"].*)?"
)


def extras() -> list[str]:
    """Names of the extras that `pip install "stylesmith[NAME]"` takes, for users."""
    names = metadata.metadata("stylesmith").get_all("Provides-Extra") or []
    return [name for name in names if name != DEVELOPMENT_EXTRA]


def requirements(extra: str | None = None) -> dict[str, str]:
    """What an extra needs, or the package itself: `{"torch": "torch>=2.11", ...}`."""
    found = map(_REQUIREMENT.fullmatch, metadata.requires("stylesmith") or [])
    return {
        part["name"]: part["name"] + part["versions"]
        for part in found
        if part and part["extra"] == extra
    }


def is_installed(name: str) -> bool:
    """Whether a distribution is there, in any version."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
