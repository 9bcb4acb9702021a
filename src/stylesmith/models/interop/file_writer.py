"""Writer of weight files of StyleGAN2-ADA (`.pt`, `.pkl`) and rosinality (`.pt`).

A few opcodes of pickle protocol 3 are enough for `.pkl`. Classes are only named, so none of their
programs need be installed, and no source text is written.
"""

import io
import pickle
import struct
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stylesmith import files
from stylesmith.config import GeneratorConfig
from stylesmith.config.network import PyramidConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.models.interop import rosinality, stylegan2_ada
from stylesmith.models.interop.external_network import NetworkRole
from stylesmith.models.interop.file_reader import LEGACY_MAGIC, LEGACY_VERSION
from stylesmith.models.interop.name_map import NamedArrays
from stylesmith.networks import Discriminator, Generator

PERSISTENCE_VERSION = 6
BUFFER_NAMES = ("w_avg", "noise_const", "resample_filter")
"""Last parts of names that StyleGAN2-ADA keeps as buffers, not as parameters."""


class Opcodes(bytes):
    """A value that is pickled already: the opcodes that leave it on the stack."""


def global_name(module: str, name: str) -> Opcodes:
    """A global, which is only named."""
    return Opcodes(f"c{module}\n{name}\n".encode())


def global_call(module: str, name: str, *arguments: Any) -> Opcodes:
    """The result of calling a global."""
    return Opcodes(global_name(module, name) + opcodes(arguments) + b"R")


def persistent_id(key: Any) -> Opcodes:
    """A value that stands elsewhere in the file."""
    return Opcodes(opcodes(key) + b"Q")


def to_pickle(value: Any, *, protocol: int = 3) -> bytes:
    """One pickle of plain values and opcodes; bytes want protocol 3."""
    return b"\x80" + bytes([protocol]) + opcodes(value) + b"."


def opcodes(value: Any) -> bytes:
    """The opcodes that leave a value on the stack."""
    match value:
        case Opcodes():
            return value
        case None | bool() | int() | float():
            return pickle.dumps(value, protocol=2)[2:-1]
        case str():
            text = value.encode()
            return b"X" + struct.pack("<I", len(text)) + text
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case tuple():
            return b"(" + b"".join(map(opcodes, value)) + b"t"
        case list():
            return b"](" + b"".join(map(opcodes, value)) + b"e"
        case dict():
            return b"}(" + b"".join(map(opcodes, chain.from_iterable(value.items()))) + b"u"
    raise AssertionError(f"no opcodes for {type(value).__name__}")


EMPTY_ORDERED_DICT = global_call("collections", "OrderedDict")


def ada_module(class_name: str, kwargs: Mapping[str, Any], tensors: NamedArrays) -> Opcodes:
    """A module as StyleGAN2-ADA pickles it, with an empty text in place of its source."""
    state: dict[str, Any] = {"training": False, "_parameters": {}, "_buffers": {}, "_modules": {}}
    state |= {"_init_args": (), "_init_kwargs": dict(kwargs)}
    inner: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = array
        elif first in BUFFER_NAMES:
            state["_buffers"][first] = _pickled_tensor(array)
        else:
            parameter = (_pickled_tensor(array), True, EMPTY_ORDERED_DICT)
            state["_parameters"][first] = global_call(
                "torch._utils", "_rebuild_parameter", *parameter
            )
    state["_modules"] = {n: ada_module("Module", {}, part) for n, part in inner.items()}
    return persistent_object({"module_src": "", "class_name": class_name, "state": state})


def persistent_object(meta: Mapping[str, Any]) -> Opcodes:
    """An object whose class StyleGAN2-ADA would build from source text."""
    meta = {"type": "class", "version": PERSISTENCE_VERSION, **meta}
    return global_call("torch_utils.persistence", "_reconstruct_persistent_obj", meta)


def _pickled_tensor(array: np.ndarray) -> Opcodes:
    array = np.array(array, np.dtype("<f4"), order="C")
    strides = tuple(stride // 4 for stride in array.strides)
    storage = global_call("torch.storage", "_load_from_bytes", nested_storage(array))
    arguments = (storage, 0, array.shape, strides, False, EMPTY_ORDERED_DICT)
    return global_call("torch._utils", "_rebuild_tensor_v2", *arguments)


def nested_storage(array: np.ndarray) -> bytes:
    """One fp32 storage in the older form of torch files."""
    key = ("storage", global_name("torch", "FloatStorage"), "0", "cpu", array.size, None)
    system = {
        "protocol_version": LEGACY_VERSION,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    pickles = (LEGACY_MAGIC, LEGACY_VERSION, system, persistent_id(key), ["0"])
    head = b"".join(to_pickle(value, protocol=2) for value in pickles)
    return head + struct.pack("<q", array.size) + array.astype("<f4").tobytes()


def write_pickle(path: Path, value: Any) -> None:
    """Write a pickle atomically."""
    files.write_bytes(path, to_pickle(value))


def write_torch_file(path: Path, value: Mapping[str, Any]) -> None:
    """Write a dict of arrays and plain values as a torch file, atomically."""
    buffer = io.BytesIO()  # of a file's name, torch would write it into the file
    torch.save(_as_tensors(value), buffer)
    files.write_bytes(path, buffer.getvalue())


def _as_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, Mapping):
        return {key: _as_tensors(part) for key, part in value.items()}
    return value


LAYOUT_SUFFIXES = {"ada": (".pt", ".pkl"), "rosinality": (".pt",)}
"""The layouts, and what their files are called."""

NetworksByRole = dict[NetworkRole, Generator | Discriminator]

Requirements = dict[str, tuple[Any, ...]]
"""Settings of a configuration, by name, and the values that a layout has."""

_BOTH: Requirements = {"base": ((4, 4),), "spectral_norm": (False,)}
_GENERATORS: Requirements = {"kind": ("modulated",), "demodulate": (True,)} | _BOTH
_DISCRIMINATORS: Requirements = _BOTH | {"resample": ("[1,3,3,1]",)}
_ADA: Requirements = {"connection": ("orig", "skip", "resid")}
_UNCONDITIONAL: Requirements = {"label_size": (0,)}
GENERATOR_REQUIREMENTS: dict[str, Requirements] = {
    "ada": _GENERATORS | _ADA,
    "rosinality": _GENERATORS | _UNCONDITIONAL | {"noise": (True,), "connection": ("skip",)},
}
DISCRIMINATOR_REQUIREMENTS: dict[str, Requirements] = {
    "ada": _DISCRIMINATORS | _ADA,
    "rosinality": _DISCRIMINATORS
    | _UNCONDITIONAL
    | {"stddev_group": (4,), "stddev_features": (1,), "connection": ("resid",)},
}
"""What each layout leaves no choice in."""


def write_external(path: Path, layout: str, networks: NetworksByRole) -> list[str]:
    """Write networks in another program's layout.

    Args:
        path: Where to. For `ada`, `.pt` is a torch file of `state_dict`s with the arguments to make
            the networks with, `.pkl` a pickle of objects as that program saves them, but without
            its source.
        layout: `ada` or `rosinality`.
        networks: At least the averaged generator.

    Returns:
        Remarks for the user.

    Raises:
        ModelError: If the layout has no such network.
        UsageError: If the suffix is not one of the layout.
        OutputError: If the file cannot be written.
    """
    if path.suffix.lower() not in LAYOUT_SUFFIXES[layout]:
        wanted = " or ".join(LAYOUT_SUFFIXES[layout])
        raise UsageError(f"{path}: format {layout} is written to {wanted} files")
    arrays: dict[NetworkRole, dict[str, np.ndarray]] = {
        role: _external_arrays(layout, network) for role, network in networks.items()
    }
    if layout == "rosinality":
        write_torch_file(path, _rosinality_content(arrays))
        return _rosinality_remarks(networks["G_ema"])
    kwargs = {role: stylegan2_ada.network_kwargs(net.config) for role, net in networks.items()}
    if path.suffix.lower() == ".pt":
        write_torch_file(path, dict(arrays) | {"init_kwargs": kwargs})
        return ["state_dicts and init_kwargs, for networks made by the reading program"]
    objects = {
        role: ada_module(stylegan2_ada.ROLE_CLASSES[role], kwargs[role], arrays[role])
        for role in networks
    }
    write_pickle(path, {"training_set_kwargs": None, **objects, "augment_pipe": None})
    return [
        "objects without source text: stylesmith and other readers of weights open it; the "
        "original program wants .pt"
    ]


def _external_arrays(layout: str, network: Generator | Discriminator) -> dict[str, np.ndarray]:
    """The tensors of a network, under their names and in their layout."""
    format_ = rosinality if layout == "rosinality" else stylegan2_ada
    if isinstance(network, Generator):
        _require(network.config, GENERATOR_REQUIREMENTS[layout], layout)
        check_mapping = _check_ada_mapping if layout == "ada" else _check_rosinality_mapping
        check_mapping(network.config)
        names = format_.generator_names(network.config)
    else:
        _require(network.config, DISCRIMINATOR_REQUIREMENTS[layout], layout)
        if network.config.label_size and network.config.label_mode != "projection":
            raise ModelError("format ada: discriminators read labels by projection, here select")
        names = format_.discriminator_names(network.config)
    return names.write({n: t.detach().cpu().numpy() for n, t in network.state_dict().items()})


def _require(config: PyramidConfig, wanted: Requirements, layout: str) -> None:
    for name, allowed in wanted.items():
        found = getattr(config, name)
        if found not in allowed:
            options = " or ".join(map(str, allowed))
            raise ModelError(f"format {layout}: wants {name} {options}, this network has {found}")


def _check_ada_mapping(config: GeneratorConfig) -> None:
    if config.label_size and config.mapping.label_mode != "embed":
        raise ModelError("format ada: labels enter by label_mode embed, here concat")
    if not config.mapping.layers:
        raise ModelError("format ada: wants mapping layers, here there are none")


def _check_rosinality_mapping(config: GeneratorConfig) -> None:
    z_dim, w_dim = config.mapping.z_dim, config.mapping.w_dim
    if z_dim != w_dim:
        raise ModelError(f"format rosinality: z and w have one size, here {z_dim} and {w_dim}")


def _rosinality_content(arrays: Mapping[NetworkRole, dict[str, np.ndarray]]) -> dict[str, Any]:
    """One dictionary of tensors for each network, and the mean of w, of the average, beside."""
    content: dict[str, Any] = {}
    for key, role in rosinality.ROLES.items():
        if role in arrays:
            content[key] = arrays[role]
            mean = content[key].pop(rosinality.W_AVG_KEY, None)
            if role == "G_ema":
                content[rosinality.W_AVG_KEY] = mean
    return content


def _rosinality_remarks(network: Generator | Discriminator) -> list[str]:
    """What a reader of that format must be given, or cannot be: it computes its own widths."""
    assert isinstance(network, Generator)
    config = network.config
    widths = [config.channels(level) for level in range(config.levels)]
    for multiplier in (1, 2):
        full = [min(512, 16384 * multiplier // (4 << level)) for level in range(config.levels)]
        if widths == [512 if 4 << level <= 32 else w for level, w in enumerate(full)]:
            return [
                f"for a generator of size {config.size()[0]}, style_dim {config.mapping.w_dim}, "
                f"n_mlp {config.mapping.layers}, channel_multiplier {multiplier}"
            ]
    return [f"feature maps per level are {widths}, which other readers have no setting for"]
