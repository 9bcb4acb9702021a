"""What a foreign file is and wants, as lines of text; for those who look before they import."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stylesmith.errors import ModelError
from stylesmith.models.foreign.files import Survey, survey
from stylesmith.models.foreign.report import KINDS, LICENCES, ForeignFile, ForeignNetwork
from stylesmith.models.foreign.session import brief
from stylesmith.models.foreign.translate import architecture

MOST_SETTINGS = 60
MOST_GLOBALS = 100


def describe(path: Path) -> list[str]:
    """Kind, networks, sizes, settings, licence, and every global the file names.

    Raises:
        ModelError: If the file is missing, or plainly something else.
    """
    found = survey(path)
    lines = [f"{path}: {found.size / 1e6:.2f} MB"]
    if found.file:
        lines.append(f"kind: {KINDS[found.file.kind]}")
        for network in found.file.networks.values():
            lines += _network_lines(found.file, network, path)
        lines.append(f"licence: {LICENCES[found.file.kind]}")
    return lines + list(_global_lines(found)) + list(_verdict(found))


def _network_lines(file: ForeignFile, network: ForeignNetwork, path: Path) -> Iterator[str]:
    values = sum(tensor.size for tensor in network.tensors.values())
    counts = f"{len(network.tensors)} tensors, {values:,} values"
    yield f"{network.role}: {brief(network.label)[1:-1]}, {counts}"
    try:
        yield f"  as {architecture(file, network, path)}"
    except ModelError as error:
        yield f"  cannot be imported: {error}"
    if network.settings:
        shown = [f"{brief(k)[1:-1]}={render(v)}" for k, v in network.settings.items()]
        more = f", and {len(shown) - MOST_SETTINGS} more" if len(shown) > MOST_SETTINGS else ""
        yield f"  settings: {', '.join(shown[:MOST_SETTINGS])}{more}"


def _global_lines(found: Survey) -> Iterator[str]:
    if found.named_globals:
        yield "globals it names (none is imported or called):"
    for name, place in list(found.named_globals.items())[:MOST_GLOBALS]:
        state = "refused" if name in found.refused else "stand-in"
        yield f"  {state:8}  {brief(name, 100)[1:-1]} at {place}"
    if len(found.named_globals) > MOST_GLOBALS:
        yield f"  and {len(found.named_globals) - MOST_GLOBALS} more"


def _verdict(found: Survey) -> Iterator[str]:
    if found.problem:
        yield f"cannot be read: {found.problem}"
    if found.refused:
        yield f"import refuses it: {len(found.refused)} of its globals are no data of a network"


def render(value: Any, depth: int = 2) -> str:
    """A setting in short, however deep or large it is."""
    if isinstance(value, list | tuple | set) and depth:
        parts = [render(v, depth - 1) for v in list(value)[:8]]
        return f"[{', '.join(parts)}{', ...' if len(value) > 8 else ''}]"
    if isinstance(value, dict) and depth:
        parts = [f"{render(k, 0)}: {render(v, depth - 1)}" for k, v in list(value.items())[:8]]
        return f"{{{', '.join(parts)}{', ...' if len(value) > 8 else ''}}}"
    return brief(value)
