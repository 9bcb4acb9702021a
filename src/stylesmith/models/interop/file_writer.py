"""Writer of weight files of StyleGAN2-ADA (`.pt`, `.pkl`) and rosinality (`.pt`).

A few opcodes of pickle protocol 3 are enough for `.pkl`. Classes are only named, so none of their
programs need be installed, and no source text is written.
"""

import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stylesmith import files
from stylesmith.config import ConvolutionalConfig, GeneratorConfig, PyramidConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.models.interop import rosinality, stylegan2_ada
from stylesmith.models.interop.external_network import NetworkRole
from stylesmith.models.interop.file_reader import LEGACY_MAGIC, LEGACY_VERSION
from stylesmith.models.interop.name_map import NamedArrays, NameMap
from stylesmith.networks import Discriminator, Generator

PERSISTENCE_VERSION = 6
BUFFER_NAMES = ("w_avg", "noise_const", "resample_filter")
"""Last parts of names that StyleGAN2-ADA keeps as buffers, not as parameters."""


@dataclass(frozen=True)
class GlobalName:
    """A global."""

    module: str
    name: str


@dataclass(frozen=True)
class GlobalCall:
    """The result of calling a global."""

    function: GlobalName
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class PickledInstance:
    """An object of a class, with its attributes."""

    class_: GlobalName
    state: Any


@dataclass(frozen=True)
class PersistentId:
    """A value that stands elsewhere in the file."""

    key: Any


TENSORFLOW_NETWORK = GlobalName("dnnlib.tflib.network", "Network")
PROGAN_NETWORK = GlobalName("tfutil", "Network")
RECONSTRUCT_OBJECT = GlobalName("torch_utils.persistence", "_reconstruct_persistent_obj")


def to_pickle(value: Any, *, protocol: int = 3) -> bytes:
    """One pickle of plain values, numpy arrays and the markers above; bytes want protocol 3."""
    return b"\x80" + bytes([protocol]) + b"".join(_opcodes(value)) + b"."


def _opcodes(value: Any) -> list[bytes]:
    match value:
        case None | bool() | int() | float():
            return [_scalar_opcode(value)]
        case str():
            text = value.encode()
            return [b"X", struct.pack("<I", len(text)), text]
        case bytes():
            return [b"B", struct.pack("<I", len(value)), value]
        case tuple():
            return [b"(", *_opcodes_of_all(value), b"t"]
        case list():
            return [b"](", *_opcodes_of_all(value), b"e"]
        case dict():
            return [b"}(", *_opcodes_of_all(part for item in value.items() for part in item), b"u"]
        case GlobalName():
            return [f"c{value.module}\n{value.name}\n".encode()]
        case GlobalCall():
            return [*_opcodes(value.function), *_opcodes(value.arguments), b"R"]
        case PickledInstance():
            return [*_opcodes(value.class_), b")\x81", *_opcodes(value.state), b"b"]
        case PersistentId():
            return [*_opcodes(value.key), b"Q"]
        case np.ndarray():
            return _array_opcodes(value)
    raise AssertionError(f"no opcodes for {type(value).__name__}")


def _opcodes_of_all(values: Any) -> list[bytes]:
    return [piece for value in values for piece in _opcodes(value)]


def _scalar_opcode(value: float | None) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def _array_opcodes(array: np.ndarray) -> list[bytes]:
    array = np.array(array, array.dtype.newbyteorder("<"), order="C")
    code = array.dtype.str[1:]
    shell = GlobalCall(
        GlobalName("numpy.core.multiarray", "_reconstruct"),
        (GlobalName("numpy", "ndarray"), (0,), b"b"),
    )
    form = [
        *_opcodes(GlobalCall(GlobalName("numpy", "dtype"), (code, 0, 1))),
        *_opcodes((3, "<", None, None, None, -1, -1, 0)),
        b"b",
    ]
    shape, content = _opcodes(array.shape), _opcodes(array.tobytes())
    state = [b"(", _scalar_opcode(1), *shape, *form, _scalar_opcode(False), *content, b"t"]
    return [*_opcodes(shell), *state, b"b"]


def tensorflow_network(
    name: str,
    function: str,
    version: int,
    settings: Mapping[str, Any],
    variables: NamedArrays,
    *,
    flat: bool = False,
) -> PickledInstance:
    """A network of the TensorFlow programs; those of generators hold two others, unless `flat`."""
    inner = ("mapping", "synthesis") if not flat and _has_parts(variables) else ()
    parts = {
        part: tensorflow_network(
            part,
            f"{function}_{part}",
            version,
            settings,
            {
                n.removeprefix(f"{part}/"): a
                for n, a in variables.items()
                if n.startswith(f"{part}/")
            },
            flat=True,
        )
        for part in inner
    }
    own = [(n, a) for n, a in variables.items() if n.partition("/")[0] not in inner]
    state = {
        "version": version,
        "name": name,
        "static_kwargs": dict(settings),
        "components": parts,
        "build_module_src": "",
        "build_func_name": function,
        "variables": own,
    }
    return PickledInstance(PROGAN_NETWORK if version < 3 else TENSORFLOW_NETWORK, state)


def _has_parts(variables: NamedArrays) -> bool:
    return any(name.startswith("synthesis/") for name in variables)


def ada_module(class_name: str, kwargs: Mapping[str, Any], tensors: NamedArrays) -> GlobalCall:
    """A module as StyleGAN2-ADA pickles it, with an empty text in place of its source."""
    state: dict[str, Any] = {"training": False, "_parameters": {}, "_buffers": {}, "_modules": {}}
    state |= {"_init_args": (), "_init_kwargs": dict(kwargs)}
    inner: dict[str, dict[str, np.ndarray]] = {}
    for name, array in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = array
        elif first in BUFFER_NAMES:
            state["_buffers"][first] = _tensor_call(array)
        else:
            state["_parameters"][first] = GlobalCall(
                GlobalName("torch._utils", "_rebuild_parameter"),
                (_tensor_call(array), True, _ordered_dict()),
            )
    state["_modules"] = {n: ada_module("Module", {}, part) for n, part in inner.items()}
    meta = {"type": "class", "version": PERSISTENCE_VERSION, "module_src": ""}
    return GlobalCall(RECONSTRUCT_OBJECT, ({**meta, "class_name": class_name, "state": state},))


def _ordered_dict() -> GlobalCall:
    return GlobalCall(GlobalName("collections", "OrderedDict"), ())


def _tensor_call(array: np.ndarray) -> GlobalCall:
    array = np.array(array, np.dtype("<f4"), order="C")
    strides = tuple(stride // 4 for stride in array.strides)
    storage = GlobalCall(GlobalName("torch.storage", "_load_from_bytes"), (nested_storage(array),))
    return GlobalCall(
        GlobalName("torch._utils", "_rebuild_tensor_v2"),
        (storage, 0, array.shape, strides, False, _ordered_dict()),
    )


def nested_storage(array: np.ndarray) -> bytes:
    """One fp32 storage in the older form of torch files."""
    key = ("storage", GlobalName("torch", "FloatStorage"), "0", "cpu", array.size, None)
    system = {
        "protocol_version": LEGACY_VERSION,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    pickles = (LEGACY_MAGIC, LEGACY_VERSION, system, PersistentId(key), ["0"])
    head = b"".join(to_pickle(value, protocol=2) for value in pickles)
    return head + struct.pack("<q", array.size) + array.astype("<f4").tobytes()


def write_pickle(path: Path, value: Any) -> None:
    """Write a pickle atomically."""
    files.write_atomically(path, lambda temporary: _write_bytes(temporary, to_pickle(value)))


def write_torch_file(path: Path, value: Mapping[str, Any]) -> None:
    """Write a dict of arrays and plain values as a torch file, atomically."""
    tensors = _as_tensors(value)
    files.write_atomically(path, lambda temporary: _save_torch(temporary, tensors))


def _as_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    if isinstance(value, Mapping):
        return {key: _as_tensors(part) for key, part in value.items()}
    return value


def _save_torch(path: Path, tensors: Any) -> None:
    with path.open("wb") as file:  # of a name, torch would write it into the file
        torch.save(tensors, file)


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


LAYOUT_SUFFIXES = {"ada": (".pt", ".pkl"), "rosinality": (".pt",)}
"""The layouts, and what their files are called."""

NetworksByRole = dict[NetworkRole, Generator | Discriminator]

REQUIRED_OF_BOTH: dict[str, Any] = {"base": (4, 4)}
"""What both formats leave no choice in, in both networks."""
REQUIRED_OF_GENERATORS: dict[str, Any] = {
    **REQUIRED_OF_BOTH,
    "kind": "modulated",
    "demodulate": True,
    "spectral_norm": False,
}
REQUIRED_OF_DISCRIMINATORS: dict[str, Any] = {
    **REQUIRED_OF_BOTH,
    "resample": "[1,3,3,1]",
    "spectral_norm": False,
}


def write_external(path: Path, form: str, networks: NetworksByRole) -> list[str]:
    """Write networks in a foreign layout.

    Args:
        path: Where to. For `ada`, `.pt` is a torch file of `state_dict`s with the arguments to make
            the networks with, `.pkl` a pickle of objects as that program saves them, but without
            its source.
        form: The layout, `ada` or `rosinality`.
        networks: At least the averaged generator.

    Returns:
        Remarks for the user.

    Raises:
        ModelError: If the layout has no such network.
        UsageError: If the suffix is not one of the layout.
        OutputError: If the file cannot be written.
    """
    if path.suffix not in LAYOUT_SUFFIXES[form]:
        wanted = " or ".join(LAYOUT_SUFFIXES[form])
        raise UsageError(f"{path}: format {form} is written to {wanted} files")
    if form == "rosinality":
        write_torch_file(path, _rosinality_content(networks))
        return _rosinality_remarks(networks)
    if path.suffix == ".pt":
        write_torch_file(path, _ada_states(networks))
        return ["state_dicts and init_kwargs, for networks made by the reading program"]
    write_pickle(path, _ada_objects(networks))
    return [
        "objects without source text: stylesmith and other readers of weights open it; the "
        "original program wants .pt"
    ]


def _ada_states(networks: NetworksByRole) -> dict[str, Any]:
    states: dict[str, Any] = {role: _ada_tensors(net) for role, net in networks.items()}
    return {**states, "init_kwargs": {role: _ada_kwargs(net) for role, net in networks.items()}}


def _ada_objects(networks: NetworksByRole) -> dict[str, Any]:
    objects: dict[str, Any] = {
        role: ada_module(stylegan2_ada.ROLE_CLASSES[role], _ada_kwargs(net), _ada_tensors(net))
        for role, net in networks.items()
    }
    return {"training_set_kwargs": None, **objects, "augment_pipe": None}


def _ada_tensors(network: Generator | Discriminator) -> dict[str, np.ndarray]:
    if isinstance(network, Generator):
        _require(network.config, REQUIRED_OF_GENERATORS, "ada")
        _require_connection(network.config, "ada", ("orig", "skip", "resid"))
        if network.config.label_size and network.config.mapping.label_mode != "embed":
            raise ModelError("format ada: labels enter by label_mode embed, here concat")
        if not network.config.mapping.layers:
            raise ModelError("format ada: wants mapping layers, here there are none")
        return _external_arrays(network, stylegan2_ada.generator_names(network.config))
    _require(network.config, REQUIRED_OF_DISCRIMINATORS, "ada")
    _require_connection(network.config, "ada", ("orig", "skip", "resid"))
    if network.config.label_size and network.config.label_mode != "projection":
        raise ModelError("format ada: discriminators read labels by projection, here select")
    return _external_arrays(network, stylegan2_ada.discriminator_names(network.config))


def _ada_kwargs(network: Generator | Discriminator) -> dict[str, Any]:
    if isinstance(network, Generator):
        return stylegan2_ada.generator_kwargs(network.config)
    return stylegan2_ada.discriminator_kwargs(network.config)


def _rosinality_content(networks: NetworksByRole) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, role in rosinality.ROLES.items():
        network = networks.get(role)
        if isinstance(network, Generator):
            _require(network.config, REQUIRED_OF_GENERATORS, "rosinality")
            _require(network.config, {"noise": True, "label_size": 0}, "rosinality")
            _require_connection(network.config, "rosinality", ("skip",))
            content[key] = _external_arrays(network, rosinality.generator_names(network.config))
            mean = content[key].pop(rosinality.W_AVG_KEY)
            if role == "G_ema":
                content[rosinality.W_AVG_KEY] = mean
        elif network is not None:
            _require(network.config, REQUIRED_OF_DISCRIMINATORS, "rosinality")
            wanted = {"stddev_group": 4, "stddev_features": 1, "label_size": 0}
            _require(network.config, wanted, "rosinality")
            _require_connection(network.config, "rosinality", ("resid",))
            content[key] = _external_arrays(network, rosinality.discriminator_names(network.config))
    return content


def _rosinality_remarks(networks: NetworksByRole) -> list[str]:
    """What a reader of that format must be told, or cannot be: it computes its own widths."""
    network = networks["G_ema"]
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


def _require(config: PyramidConfig, wanted: dict[str, Any], form: str) -> None:
    for name, value in wanted.items():
        found = getattr(config, name)
        if found != value:
            raise ModelError(f"format {form}: wants {name} {value}, this network has {found}")


def _require_connection(
    config: GeneratorConfig | ConvolutionalConfig, form: str, connections: tuple[str, ...]
) -> None:
    if config.connection not in connections:
        raise ModelError(
            f"format {form}: wants connection {' or '.join(connections)}, this network has "
            f"{config.connection}"
        )


def _external_arrays(network: nn.Module, names: NameMap) -> dict[str, np.ndarray]:
    return names.write({n: t.detach().cpu().numpy() for n, t in network.state_dict().items()})
