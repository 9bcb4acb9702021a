"""Reader of one external network: its settings, its sizes, and the configuration they amount to.

A setting that changes what a network computes must have the value that ours compute with. One that
is unknown is ignored if it is off; otherwise the network is refused, for it would draw other
images. Sizes are read through the name map of the format, so that all formats share the rules by
which a configuration follows from the shapes of our tensors.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from stylesmith.config import ConvolutionalConfig, GeneratorConfig
from stylesmith.errors import ModelError
from stylesmith.models.interop.allowed_globals import short_repr, short_text
from stylesmith.models.interop.external_network import ExternalNetwork, NetworkRole
from stylesmith.models.interop.name_map import NameMap, NameRule

MAX_INTEGER_SETTING = 1 << 20
"""Beyond any size of a network."""

MAX_AXIS_SIZE = 1 << 20
"""Most entries along an axis of a network's tensor."""

ARCHITECTURES = {"orig": "orig", "skip": "skip", "resid": "resnet"}
"""How other programs call the connections of levels."""

GENERATOR_TENSORS = {
    "modulated": ("blocks.{}.conv1", "blocks.{}.to_rgb", "blocks.0.conv1.affine"),
    "adain": ("blocks.{}.layer1.source", "to_rgb.{}", "blocks.0.layer1.affine"),
    "traditional": ("blocks.{}.layer1.source", "to_rgb.{}", "blocks.0.layer0.source"),
}
"""Layers of each kind of synthesis network whose weights show the feature maps of a level, the
channels of its images, and the length of w."""


@dataclass
class NetworkReader:
    """One network of a file, and which of its settings were checked."""

    network: ExternalNetwork
    source: str
    partial: bool = False
    """Ignore unknown settings, with a note."""
    notes: list[str] = field(default_factory=list)
    checked: set[str] = field(default_factory=set)

    def error(self, problem: str) -> ModelError:
        """An error about this network."""
        return ModelError(f"{self.source}: {problem}")

    def number(self, *names: str, default: float) -> float:
        """The first of some settings that is a number."""
        for name in names:
            value = self.network.settings.get(name)
            self.checked.add(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            if value is not None:
                raise self._setting_error(name, value, "a number")
        return default

    def integer(self, name: str, *, default: int) -> int:
        """A setting that is a whole number."""
        value = self.number(name, default=default)
        if not isinstance(value, int) or abs(value) > MAX_INTEGER_SETTING:
            raise self._setting_error(name, value, "a whole number")
        return value

    def require(self, name: str, *allowed: Any) -> None:
        """A setting that ours can't change; absent is as good as the first allowed value."""
        self.checked.add(name)
        value = self.network.settings.get(name, allowed[0])
        plain = list(value) if isinstance(value, tuple) else value
        if not any(type(plain) is type(a) and plain == a for a in allowed):
            raise self._setting_error(name, value, " or ".join(str(a) for a in allowed))

    def ignore(self, *names: str) -> None:
        """Settings that don't change what a trained network computes."""
        self.checked.update(names)

    def ignore_half_precision(self) -> None:
        """Leave half precision to the policy of this package, with a note."""
        for name in ("num_fp16_res", "conv_clamp"):
            if self.network.settings.get(name):
                self.notes.append(f"{name} not taken over; half precision is chosen when drawing")
            self.ignore(name)

    def check_sizes(self, **sizes: int) -> None:
        """Hold settings that give a size, where there are such, to what the tensors say.

        Raises:
            ModelError: If they differ, so that tensors are missing or of another network, and a
                partial import wasn't asked for.
        """
        for name, size in sizes.items():
            value = self.network.settings.get(name, size)
            self.checked.add(name)
            if type(value) is not int or value == size:
                continue
            problem = f"its setting {name} is {short_repr(value)}, but its tensors are for {size}"
            if not self.partial:
                raise self.error(f"{problem}: some are missing, or of another network.")
            self.notes.append(problem)

    def check_unknown(self) -> None:
        """Refuse settings that nobody checked, unless they are off.

        Raises:
            ModelError: If a setting is unknown and on, and a partial import wasn't asked for.
        """
        settings = self.network.settings
        for name in sorted(str(name) for name in settings.keys() - self.checked):
            value = settings.get(name)
            found = f"unknown setting {short_text(name)} = {short_repr(value)}"
            if value is not None and value is not False and not self.partial:
                raise self.error(
                    f"{found}, which may change what the network computes. --partial ignores it."
                )
            self.notes.append(f"{found} ignored")

    def _setting_error(self, name: str, value: Any, wanted: str) -> ModelError:
        return self.error(
            f"setting {name} is {render_setting(value)}, wanted {wanted}: the network is of a kind "
            "that has no counterpart here."
        )

    def has_match(self, pattern: str) -> bool:
        """Whether the name of a tensor fits."""
        return any(re.fullmatch(pattern, name) for name in self.network.tensors)

    def numbers(self, pattern: str) -> set[int]:
        """The numbers that stand in names of tensors at the group of a pattern."""
        found = (re.fullmatch(pattern, name) for name in self.network.tensors)
        return {int(match[1]) for match in found if match and len(match[1]) < 6}

    def levels(self, pattern: str) -> int:
        """Levels of a square pyramid from 4x4 to the largest resolution at a pattern's group."""
        top = max(self.numbers(pattern), default=0)
        levels = top.bit_length() - 2
        if top != 4 << max(levels - 1, 0) or not 2 <= levels <= 12:
            raise self.error(f"highest resolution {top}, wanted a power of two from 8 to 8192.")
        return levels

    def connection(self, shortcut: str, rgb: str) -> str:
        """How levels are joined, as the tensors say; the setting must agree where there is one.

        Args:
            shortcut: Pattern of the weights of residual connections.
            rgb: Pattern of the weights of toRGB or fromRGB layers, with their resolution as group.
        """
        found = "skip" if len(self.numbers(rgb)) > 1 else "orig"
        if self.has_match(shortcut):
            found = "resid"
        self.require("architecture", ARCHITECTURES[found])
        return found

    def shape_of(self, rule: NameRule, *, axes: int) -> tuple[int, ...]:
        """The shape that a tensor, which must be there, has in our layout, with so many axes."""
        if rule.theirs not in self.network.tensors:
            raise self.error(f"has no tensor {rule.theirs}, so its sizes are unknown.")
        stored = self.network.tensors[rule.theirs].shape
        shape: tuple[int, ...] = ()
        if all(0 < size <= MAX_AXIS_SIZE for size in stored):
            with suppress(IndexError, ValueError):  # too few axes for the layout, or too many
                shape = rule.layout.read(np.broadcast_to(np.float32(0), stored)).shape
        if len(shape) != axes:
            raise self.error(f"{rule.theirs} is {stored}, wanted {axes} axes of 1 or more.")
        return shape

    def generator_config(
        self,
        names_of: Callable[[GeneratorConfig, ExternalNetwork], NameMap],
        fields: Mapping[str, Any],
    ) -> GeneratorConfig:
        """The configuration of a generator.

        Args:
            names_of: Its name map.
            fields: Levels, how they are joined, and all that leaves no trace in shapes.
        """
        mapping = {"layers": len(self.network.tensors)}
        probe = GeneratorConfig.model_validate({**fields, "mapping": mapping})
        rules = {rule.ours: rule for rule in names_of(probe, self.network).rules}

        def size(layer: str, axis: int, axes: int = 4) -> int:
            return self.shape_of(rules[f"{layer}.weight"], axes=axes)[axis]

        conv, rgb, style = (f"synthesis.{name}" for name in GENERATOR_TENSORS[probe.kind])
        widths = [size(conv.format(level), 0) for level in range(probe.levels)]
        layers = 0
        while self._has(rules, f"mapping.layers.{layers}.weight"):
            layers += 1
        label, joined, mode = 0, 0, "concat"
        if self._has(rules, "mapping.label_weight"):
            label, joined = self.shape_of(rules["mapping.label_weight"], axes=2)
        elif self._has(rules, "mapping.embed.weight"):
            joined, label = self.shape_of(rules["mapping.embed.weight"], axes=2)
            mode = "embed"
        w_dim = size(style, 1, axes=2)
        z_dim = (size("mapping.layers.0", 1, axes=2) if layers else w_dim) - joined
        sizes = {"z_dim": z_dim, "w_dim": w_dim if layers else z_dim, "layers": layers}
        return GeneratorConfig.model_validate(
            {
                **fields,
                **self._channels(widths),
                "image_channels": size(rgb.format(probe.levels - 1), 0),
                "label_size": label,
                "mapping": {**fields.get("mapping", {}), **sizes, "label_mode": mode},
            }
        )

    def discriminator_config(
        self, names_of: Callable[[ConvolutionalConfig], NameMap], fields: Mapping[str, Any]
    ) -> ConvolutionalConfig:
        """The configuration of a discriminator; arguments as of a generator."""
        probe = ConvolutionalConfig.model_validate(fields)
        rules, top = {rule.ours: rule for rule in names_of(probe).rules}, probe.levels - 1
        epilogue = self.shape_of(rules["epilogue.conv.weight"], axes=4)
        convs = [rules[f"blocks.{top - level}.conv0.weight"] for level in range(1, probe.levels)]
        widths = [epilogue[0], *(self.shape_of(rule, axes=4)[0] for rule in convs)]
        rgb = "from_rgb.0" if probe.connection in ("grow", "skip") else "from_rgb"
        return ConvolutionalConfig.model_validate(
            {
                **fields,
                **self._channels(widths),
                "image_channels": self.shape_of(rules[f"{rgb}.weight"], axes=4)[1],
                "stddev_features": epilogue[1] - widths[0],
            }
        )

    def _has(self, rules: Mapping[str, NameRule], ours: str) -> bool:
        return ours in rules and rules[ours].theirs in self.network.tensors

    def _channels(self, widths: list[int]) -> dict[str, int]:
        """Settings `channel_base` and `max_channels` of the widths of all levels from 4x4."""
        most = max(widths)
        base = max([width * (4 << level) for level, width in enumerate(widths) if width > 1] or [1])
        if widths != [max(1, min(base // (4 << level), most)) for level in range(len(widths))]:
            raise self.error(
                f"its feature maps per level are {widths}; wanted a number divided by the "
                "resolution, up to a maximum."
            )
        return {"channel_base": base, "max_channels": most}


def render_setting(value: Any, depth: int = 2) -> str:
    """A setting in short, however deep or large it is."""
    if isinstance(value, list | tuple | set) and depth:
        parts, brackets = [render_setting(v, depth - 1) for v in list(value)[:8]], "[]"
    elif isinstance(value, dict) and depth:
        pairs, brackets = list(value.items())[:8], "{}"
        parts = [f"{render_setting(k, 0)}: {render_setting(v, depth - 1)}" for k, v in pairs]
    else:
        return short_repr(value)
    more = ", ..." if len(value) > 8 else ""
    return f"{brackets[0]}{', '.join(parts)}{more}{brackets[1]}"


class NetworkFormat(Protocol):
    """What a module knows about the networks of one format: how to find, build and name them."""

    def recognize(self, value: Any) -> dict[NetworkRole, ExternalNetwork] | None:
        """The networks in the values of a file of this format; None for other files."""

    def generator_config(self, reader: NetworkReader) -> GeneratorConfig:
        """The architecture of a generator."""

    def discriminator_config(self, reader: NetworkReader) -> ConvolutionalConfig:
        """The architecture of a discriminator."""

    def generator_names(
        self, config: GeneratorConfig, network: ExternalNetwork | None = None
    ) -> NameMap:
        """Names of a generator's tensors, in the file at hand or in one to be written."""

    def discriminator_names(self, config: ConvolutionalConfig) -> NameMap:
        """Names of a discriminator's tensors."""
