"""Files in the layouts of other programs: random networks of ours, or put together by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, MappingConfig
from stylesmith.models.interop import tensorflow
from stylesmith.models.interop.file_writer import (
    Opcodes,
    global_call,
    global_name,
    opcodes,
    write_pickle,
)
from stylesmith.models.interop.name_map import NamedArrays
from stylesmith.networks import Generator, build_discriminator, build_generator

PEAK = """
def peak():
    # Megabytes; ru_maxrss would start from the peak of the process that started this one.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
"""
"""For programs that tests start: their own largest memory so far (Linux)."""

SMALL = {"levels": 3, "max_channels": 4}
MAPPING = {"z_dim": 6, "w_dim": 6, "layers": 2}


def generator(*, seed: int = 0, **fields: Any) -> Generator:
    """A small generator whose every tensor, noise strengths and means included, is random."""
    mapping = MappingConfig(**(MAPPING | fields.pop("mapping", {})))
    network = build_generator(GeneratorConfig(**(SMALL | fields), mapping=mapping), seed=seed)
    network = randomized(network, seed)
    if tensorflow.is_progan(network.config):  # which keeps no mean
        network.mapping.w_avg.zero_()
    return network


def discriminator(*, seed: int = 0, **fields: Any) -> nn.Module:
    """A small discriminator with random tensors."""
    return randomized(build_discriminator(DiscriminatorConfig(**(SMALL | fields)), seed=seed), seed)


def randomized(network, seed: int):
    """Multiples of 1/64, which stay exact when 1 is taken off and added again."""
    numbers = torch.Generator().manual_seed(seed + 100)
    for name, tensor in network.state_dict().items():
        if not name.endswith("label_mapping.w_avg"):  # which no other format has
            values = torch.randint(-128, 129, tensor.shape, generator=numbers) / 64
            tensor.copy_(values)
    return network.eval().requires_grad_(False)


def arrays(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


TENSORFLOW_NETWORK = global_name("dnnlib.tflib.network", "Network")
PROGAN_NETWORK = global_name("tfutil", "Network")


def pickled_instance(class_: Opcodes, state: Any) -> Opcodes:
    """An object of a class, with its attributes."""
    return Opcodes(class_ + b")\x81" + opcodes(state) + b"b")


def pickled_array(array: np.ndarray) -> Opcodes:
    """A numpy array, as numpy pickles it: an empty one, then version, shape, dtype and bytes."""
    array = np.array(array, array.dtype.newbyteorder("<"), order="C")
    arguments = (global_name("numpy", "ndarray"), (0,), b"b")
    empty = global_call("numpy.core.multiarray", "_reconstruct", *arguments)
    dtype = global_call("numpy", "dtype", array.dtype.str[1:], 0, 1)
    dtype = Opcodes(dtype + opcodes((3, "<", None, None, None, -1, -1, 0)) + b"b")
    return Opcodes(empty + opcodes((1, array.shape, dtype, False, array.tobytes())) + b"b")


def tensorflow_network(
    name: str,
    function: str,
    version: int,
    settings: Mapping[str, Any],
    variables: NamedArrays,
    *,
    flat: bool = False,
) -> Opcodes:
    """A network of the TensorFlow programs; those of generators hold two others, unless `flat`."""
    has_parts = any(name.startswith("synthesis/") for name in variables)
    inner = ("mapping", "synthesis") if not flat and has_parts else ()
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
    own = [(n, pickled_array(a)) for n, a in variables.items() if n.partition("/")[0] not in inner]
    state = {
        "version": version,
        "name": name,
        "static_kwargs": dict(settings),
        "components": parts,
        "build_module_src": "",
        "build_func_name": function,
        "variables": own,
    }
    return pickled_instance(PROGAN_NETWORK if version < 3 else TENSORFLOW_NETWORK, state)


def version_of(config: GeneratorConfig) -> int:
    if tensorflow.is_progan(config):
        return 2
    return 4 if config.kind == "modulated" else 3


def variables(network: nn.Module) -> dict[str, np.ndarray]:
    """A network's variables under TensorFlow's names, in its layout."""
    names = (
        tensorflow.generator_names(network.config)
        if isinstance(network, Generator)
        else tensorflow.discriminator_names(network.config)
    )
    return names.write(arrays(network))


def tensorflow_file(
    path: Path,
    ema: Generator,
    critic: nn.Module,
    *,
    raw: Generator | None = None,
    settings: Mapping[str, Any] | None = None,
    changes: Mapping[str, np.ndarray | None] | None = None,
    version: int | None = None,
) -> Path:
    """`(G, D, Gs)`; `changes` replace variables of Gs, or take them away (None)."""
    version = version or version_of(ema.config)
    parts = []
    for name, network in (("G", raw or ema), ("D", critic), ("Gs", ema)):
        content = variables(network) | {"lod": np.float32(0)}
        if name == "Gs":
            content |= {n: a for n, a in (changes or {}).items() if a is not None}
            content = {n: a for n, a in content.items() if (changes or {}).get(n, a) is not None}
        content = {n: np.asarray(a) for n, a in content.items()}
        chosen = tensorflow_settings(network) | (dict(settings or {}) if name == "Gs" else {})
        parts.append(tensorflow_network(name, f"{name}_func", version, chosen, content))
    write_pickle(path, tuple(parts))
    return path


def tensorflow_settings(network: nn.Module) -> dict[str, Any]:
    """What cannot be read off the variables, under TensorFlow's names."""
    config = network.config
    settings: dict[str, Any] = {"label_size": config.label_size, "resolution": config.size()[0]}
    if not isinstance(network, Generator):
        settings["mbstd_group_size"] = config.stddev_group
        return settings
    settings["mapping_lrmul"] = config.mapping.lr_multiplier
    if config.kind == "adain" and not config.blur:
        settings["blur_filter"] = None
    return settings


def draw(network: Generator, *, count: int = 2) -> torch.Tensor:
    """Images in fp32, with labels where the network wants them."""
    numbers = torch.Generator().manual_seed(7)
    z = torch.randn(count, network.config.mapping.z_dim, generator=numbers)
    classes = network.config.label_size
    label = torch.eye(classes)[torch.arange(count) % classes] if classes else None
    with torch.no_grad():
        return network(z, label, psi=0.7)
