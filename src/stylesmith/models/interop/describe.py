"""What a foreign file is and wants, as lines of text; for those who look before they import."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stylesmith.errors import ModelError
from stylesmith.models.interop.files import FileInspection, inspect_file
from stylesmith.models.interop.report import (
    FORMAT_DESCRIPTIONS,
    WEIGHT_LICENSES,
    ExternalFile,
    ExternalNetwork,
)
from stylesmith.models.interop.session import short_repr
from stylesmith.models.interop.translate import describe_architecture

MAX_SETTINGS_SHOWN = 60
MAX_GLOBALS_SHOWN = 100


def describe_file(path: Path) -> list[str]:
    """Kind, networks, sizes, settings, licence, and every global the file names.

    Raises:
        ModelError: If the file is missing, or plainly something else.
    """
    found = inspect_file(path)
    lines = [f"{path}: {found.size / 1e6:.2f} MB"]
    if found.file:
        lines.append(f"kind: {FORMAT_DESCRIPTIONS[found.file.kind]}")
        for network in found.file.networks.values():
            lines += _network_lines(found.file, network, path)
        lines.append(f"licence: {WEIGHT_LICENSES[found.file.kind]}")
    return lines + list(_global_lines(found)) + list(_problem_lines(found))


def _network_lines(file: ExternalFile, network: ExternalNetwork, path: Path) -> Iterator[str]:
    values = sum(tensor.size for tensor in network.tensors.values())
    counts = f"{len(network.tensors)} tensors, {values:,} values"
    yield f"{network.role}: {short_repr(network.label)[1:-1]}, {counts}"
    try:
        yield f"  as {describe_architecture(file, network, path)}"
    except ModelError as error:
        yield f"  cannot be imported: {error}"
    if network.settings:
        shown = [f"{short_repr(k)[1:-1]}={render_setting(v)}" for k, v in network.settings.items()]
        more = (
            f", and {len(shown) - MAX_SETTINGS_SHOWN} more"
            if len(shown) > MAX_SETTINGS_SHOWN
            else ""
        )
        yield f"  settings: {', '.join(shown[:MAX_SETTINGS_SHOWN])}{more}"


def _global_lines(found: FileInspection) -> Iterator[str]:
    if found.named_globals:
        yield "globals it names (none is imported or called):"
    for name, place in list(found.named_globals.items())[:MAX_GLOBALS_SHOWN]:
        state = "refused" if name in found.refused else "stand-in"
        yield f"  {state:8}  {short_repr(name, 100)[1:-1]} at {place}"
    if len(found.named_globals) > MAX_GLOBALS_SHOWN:
        yield f"  and {len(found.named_globals) - MAX_GLOBALS_SHOWN} more"


def _problem_lines(found: FileInspection) -> Iterator[str]:
    if found.problem:
        yield f"cannot be read: {found.problem}"
    if found.refused:
        yield f"import refuses it: {len(found.refused)} of its globals are no data of a network"


def render_setting(value: Any, depth: int = 2) -> str:
    """A setting in short, however deep or large it is."""
    if isinstance(value, list | tuple | set) and depth:
        parts = [render_setting(v, depth - 1) for v in list(value)[:8]]
        return f"[{', '.join(parts)}{', ...' if len(value) > 8 else ''}]"
    if isinstance(value, dict) and depth:
        parts = [
            f"{render_setting(k, 0)}: {render_setting(v, depth - 1)}"
            for k, v in list(value.items())[:8]
        ]
        return f"{{{', '.join(parts)}{', ...' if len(value) > 8 else ''}}}"
    return short_repr(value)
