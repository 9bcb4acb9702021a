"""Writes networks of ours in the layouts of StyleGAN2-ADA and rosinality/stylegan2-pytorch."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from stylesmith.config import DiscriminatorConfig, GeneratorConfig, PyramidConfig
from stylesmith.errors import ModelError, UsageError
from stylesmith.models.interop import ada, ada_names, rosinality
from stylesmith.models.interop.layout import NameMap
from stylesmith.models.interop.pickling import ada_module, write_pickle, write_torch_file
from stylesmith.models.interop.report import NetworkRole
from stylesmith.networks import Discriminator, Generator

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
        role: ada_module(ada.ROLE_CLASSES[role], _ada_kwargs(net), _ada_tensors(net))
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
        return _external_arrays(network, ada_names.generator_names(network.config))
    _require(network.config, REQUIRED_OF_DISCRIMINATORS, "ada")
    _require_connection(network.config, "ada", ("orig", "skip", "resid"))
    if network.config.label_size and network.config.label_mode != "projection":
        raise ModelError("format ada: discriminators read labels by projection, here select")
    return _external_arrays(network, ada_names.discriminator_names(network.config))


def _ada_kwargs(network: Generator | Discriminator) -> dict[str, Any]:
    if isinstance(network, Generator):
        return ada_names.generator_kwargs(network.config)
    return ada_names.discriminator_kwargs(network.config)


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
    config: GeneratorConfig | DiscriminatorConfig, form: str, connections: tuple[str, ...]
) -> None:
    if config.connection not in connections:
        raise ModelError(
            f"format {form}: wants connection {' or '.join(connections)}, this network has "
            f"{config.connection}"
        )


def _external_arrays(network: nn.Module, names: NameMap) -> dict[str, np.ndarray]:
    return names.write({n: t.detach().cpu().numpy() for n, t in network.state_dict().items()})
