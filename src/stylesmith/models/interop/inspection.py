"""What a file of published weights holds, said without importing it."""

from collections.abc import Iterator
from pathlib import Path

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.errors import ModelError
from stylesmith.file_kinds import identify_file
from stylesmith.models.interop.allowed_globals import ReadBudget, short_text
from stylesmith.models.interop.external_network import (
    FORMAT_DESCRIPTIONS,
    WEIGHT_LICENSES,
    ExternalFile,
    ExternalNetwork,
)
from stylesmith.models.interop.file_reader import FORMATS, open_read_budget, recognize_networks
from stylesmith.models.interop.importer import read_config
from stylesmith.models.interop.network_reader import NetworkReader, render_setting

MAX_SETTINGS_SHOWN = 60
MAX_GLOBALS_SHOWN = 100


def describe_file(path: Path) -> list[str]:
    """Kind, networks, sizes, settings, licence, and every global the file names.

    Raises:
        ModelError: If the file is missing, or plainly something else.
    """
    if (kind := identify_file(path)) and path.stat().st_size:
        return [f"{path}: {kind.instead_of('weights')}"]
    budget = open_read_budget(path, tolerant=True)
    lines, problems = [f"{path}: {budget.size / 1e6:.2f} MB"], []
    try:
        file = recognize_networks(budget)
    except ModelError as error:
        problems.append(f"cannot be read: {error}")
    else:
        lines.append(f"kind: {FORMAT_DESCRIPTIONS[file.format]}")
        for network in file.networks.values():
            lines += _network_lines(file, network, path)
        lines.append(f"licence: {WEIGHT_LICENSES[file.format]}")
    if refused := len(budget.refused_globals):
        readable = "" if problems else "; --partial leaves out what they make"
        problems.append(
            f"import refuses it: {refused} of its globals are no data of a network{readable}"
        )
    return [*lines, *_global_lines(budget), *problems]


def _network_lines(file: ExternalFile, network: ExternalNetwork, path: Path) -> Iterator[str]:
    values = sum(tensor.size for tensor in network.tensors.values())
    counts = f"{len(network.tensors)} tensors, {values:,} values"
    yield f"{network.role}: {short_text(network.class_name)}, {counts}"
    reader = NetworkReader(network, f"{path}: {network.role}")
    try:
        config = read_config(FORMATS[file.format], reader)
        yield f"  as {describe_config(config)}"
        yield f"  {describe_interface(config)}"
    except ModelError as error:
        yield f"  cannot be imported: {error}"
    shown = [f"{short_text(k)}={render_setting(v)}" for k, v in network.settings.items()]
    if len(shown) > MAX_SETTINGS_SHOWN:
        shown[MAX_SETTINGS_SHOWN:] = [f"and {len(shown) - MAX_SETTINGS_SHOWN} more"]
    if shown:
        yield f"  settings: {', '.join(shown)}"


def describe_config(config: GeneratorConfig | DiscriminatorConfig) -> str:
    """The architecture of a network in a line."""
    kind = f"{config.kind} generator" if isinstance(config, GeneratorConfig) else "discriminator"
    height, width = config.size()
    labels = f", {config.label_size} classes" if config.label_size else ""
    return f"{kind}, connection {config.connection}, {width}x{height}{labels}"


def describe_interface(config: GeneratorConfig | DiscriminatorConfig) -> str:
    """What a network takes and gives, with shapes."""
    height, width = config.size()
    images = f"images (N, {config.image_channels}, {height}, {width}), -1..1"
    label = f", label (N, {config.label_size})" if config.label_size else ""
    if not isinstance(config, GeneratorConfig):
        return f"inputs: {images}{label}; output: scores (N)"
    mapping = config.mapping
    w = f"{config.num_ws} w of {config.w_dim} values"
    return f"inputs: z (N, {mapping.z_dim}){label}, by way of {w}; output: {images}"


def _global_lines(budget: ReadBudget) -> Iterator[str]:
    named = budget.named_globals
    if named:
        yield "globals it names (none is imported or called):"
    for name, place in list(named.items())[:MAX_GLOBALS_SHOWN]:
        state = "refused" if name in budget.refused_globals else "allowed"
        yield f"  {state:8}  {short_text(name, 100)} at {place}"
    if len(named) > MAX_GLOBALS_SHOWN:
        yield f"  and {len(named) - MAX_GLOBALS_SHOWN} more"
