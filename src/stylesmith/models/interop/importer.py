"""Import of other programs' networks: configuration, check of every tensor, copy.

Nothing large is allocated before the whole network is known to fit: sizes are compared with those
of a network on the meta device, and all its tensors must be in the file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from stylesmith.choices import check_choices
from stylesmith.config import ConvolutionalConfig, GeneratorConfig, format_validation_error
from stylesmith.errors import ConfigError, ModelError
from stylesmith.models.interop.allowed_globals import short_text
from stylesmith.models.interop.external_network import (
    ExternalFile,
    ExternalNetwork,
    ImportReport,
    NetworkRole,
)
from stylesmith.models.interop.file_reader import FORMATS
from stylesmith.models.interop.name_map import NameMap, NameRule, is_fir_kernel
from stylesmith.models.interop.network_reader import NetworkFormat, NetworkReader
from stylesmith.networks import Discriminator, Generator, build_discriminator, build_generator

W_AVG = "mapping.w_avg"
W_AVG_SAMPLES = 10_000
"""Latents whose mean w replaces a missing running mean."""

N = TypeVar("N", bound=nn.Module)

MIN_PARTIAL_FRACTION = 0.5
"""Part of a network's values that a partial import must find."""


@check_choices
def import_generator(
    file: ExternalFile, path: Path, role: NetworkRole, *, partial: bool = False
) -> tuple[Generator, ImportReport]:
    """A generator of another program's file, as one of ours, in evaluation mode.

    Args:
        file: What was read.
        path: Where from, for messages.
        role: Which one.
        partial: Take what fits, where not all does.

    Raises:
        ModelError: If it has no counterpart here, or tensors are missing, unknown or misshapen.
    """
    return _import_network(file, path, role, partial, build_generator)


def import_discriminator(
    file: ExternalFile, path: Path, *, partial: bool = False
) -> tuple[Discriminator, ImportReport]:
    """The discriminator of another program's file; arguments and errors as of a generator."""
    return _import_network(file, path, "D", partial, build_discriminator)


def _import_network(
    file: ExternalFile, path: Path, role: NetworkRole, partial: bool, build: Callable[[Any], N]
) -> tuple[N, ImportReport]:
    if role not in file.networks:
        raise ModelError(f"{path}: has no {role}, only {', '.join(file.networks)}.")
    network, format_ = file.networks[role], FORMATS[file.format]
    reader = NetworkReader(network, f"{path}: {role}", partial)
    config = read_config(format_, reader)
    if isinstance(config, GeneratorConfig):
        names = format_.generator_names(config, network)
        names.derivable += (W_AVG,) if partial else ()
    else:
        names = format_.discriminator_names(config)
    with torch.device("meta"):
        blank = build(config)
    report = _check_tensors(names, reader, blank, file.size)
    built = build(config)
    _copy_external(built, names, network, report)
    if isinstance(built, Generator):
        _derive_missing(built, report)
    return built.eval().requires_grad_(False), report


def read_config(
    format_: NetworkFormat, reader: NetworkReader
) -> GeneratorConfig | ConvolutionalConfig:
    """The architecture of a network, whose settings must all be known."""
    discriminates = reader.network.role == "D"
    read = format_.discriminator_config if discriminates else format_.generator_config
    try:
        config = read(reader)
    except (ValidationError, ConfigError) as error:
        problem = format_validation_error(error) if isinstance(error, ValidationError) else error
        raise reader.error(f"{problem}: no such network here.") from None
    reader.check_unknown()
    return config


def _check_tensors(
    names: NameMap, reader: NetworkReader, blank: nn.Module, size: int
) -> ImportReport:
    """Compare every tensor of the file with a network without memory; keep the rules that fit."""
    network = reader.network
    report = ImportReport(network.role, notes=list(reader.notes))
    wanted = blank.state_dict()
    names.rules = names.rules_for(wanted)
    _check_unmapped(names, reader, report)
    unmapped = wanted.keys() - {rule.ours for rule in names.rules} - set(names.ours_only)
    assert not unmapped, f"no name for {sorted(unmapped)}"
    derived = names.derivable_from(network.tensors)
    for rule in list(names.rules):
        if rule.ours in derived:
            report.derived.append(rule.ours)
            names.rules.remove(rule)
        elif problem := _mismatch(rule, network, wanted[rule.ours]):
            report.missing.append(f"{rule.ours} ({problem})")
            names.rules.remove(rule)
    report.mapped = len(names.rules)
    report.value_count = sum(wanted[rule.ours].numel() for rule in names.rules)
    values = sum(tensor.numel() for tensor in wanted.values())
    _check_complete(report, reader, values)
    if report.value_count > size:  # numbers have at least two bytes: some stand for several tensors
        raise reader.error("refused: its tensors are larger than the file.")
    lod = network.tensors.get("lod", np.zeros(()))
    if lod.shape == () and lod > 0:
        report.notes.append(f"growing had not finished (lod {float(lod):g})")
    return report


def _check_complete(report: ImportReport, reader: NetworkReader, values: int) -> None:
    """Refuse a network of which something is missing or unknown, unless part of it will do."""
    if reader.partial and report.value_count < MIN_PARTIAL_FRACTION * values:
        raise reader.error(
            f"only {report.value_count:,} of {values:,} values fit, too few even for --partial."
        )
    if reader.partial or not (report.missing or report.unknown):
        return
    what = [f"{report.missing[0]} is missing"] if report.missing else []
    what += [f"{report.unknown[0]} is unknown"] if report.unknown else []
    more = len(report.missing) + len(report.unknown) - len(what)
    others = f" and {more} more" if more else ""
    raise reader.error(
        f"{', '.join(what)}{others}. A partial import would draw other images; "
        "--partial makes one all the same."
    )


def _mismatch(rule: NameRule, network: ExternalNetwork, ours: Tensor) -> str | None:
    """Why a tensor cannot be taken; its shape is compared in the file's own layout."""
    if rule.theirs not in network.tensors:
        return f"there {rule.theirs}"
    found = network.tensors[rule.theirs]
    wanted = rule.layout.write(np.broadcast_to(np.float32(0), tuple(ours.shape))).shape
    if found.shape != wanted:
        return f"there {rule.theirs} is {found.shape}, wanted {wanted}"
    if found.dtype.kind != "f":
        return f"there {rule.theirs} holds {found.dtype}"
    return None


def _check_unmapped(names: NameMap, reader: NetworkReader, report: ImportReport) -> None:
    """What the file has beside: constant filters, which must be ours, and things to ignore."""
    taken = {rule.theirs for rule in names.rules}
    for name, values in reader.network.tensors.items():
        if name in taken:
            continue
        why = names.ignore_reason(name)
        if why is None:
            report.unknown.append(short_text(name, 100))
            continue
        if why == "constant filter" and not is_fir_kernel(values):
            raise reader.error(
                f"{name} is not the filter [1,3,3,1]: the network has no counterpart here."
            )
        report.ignored[name] = why


def _copy_external(
    network: nn.Module, names: NameMap, external: ExternalNetwork, report: ImportReport
) -> None:
    """Copy what fits, one tensor at a time."""
    targets = network.state_dict()
    broken = 0
    for rule in names.rules:
        with np.errstate(all="ignore"):  # numbers beyond fp32 are counted below
            values = external.tensors[rule.theirs].astype(np.float32)
            values = np.array(rule.layout.read(values), np.float32, order="C")
        broken += not np.isfinite(values).all()
        targets[rule.ours].copy_(torch.from_numpy(values))
    if broken:
        report.notes.append(f"{broken} tensors hold values that are not finite")


def _derive_missing(generator: Generator, report: ImportReport) -> None:
    """What a file lacks and needn't have, with a note; the same for the same weights, every time.

    Noise maps are those of the new network, which are drawn from a fixed seed.
    """
    if maps := [name for name in report.derived if name != W_AVG]:
        report.notes.append(f"{len(maps)} noise maps are not in the file; drawn from seed 0")
    if W_AVG in report.derived:
        _estimate_w_avg(generator)
        report.notes.append(
            f"no mean of w in the file; it is the mean over {W_AVG_SAMPLES:,} random z"
        )


def _estimate_w_avg(generator: Generator) -> None:
    """The center of truncation that a file lacks: mean w of random z, the same every time."""
    numbers = torch.Generator().manual_seed(0)
    z = torch.randn(W_AVG_SAMPLES, generator.config.mapping.z_dim, generator=numbers)
    # With gradients, for without them rows go in small blocks (see ops/activate.py).
    ws = torch.cat([generator.mapping(part).detach() for part in z.split(1000)])
    generator.mapping.w_avg.copy_(ws.mean(0))
