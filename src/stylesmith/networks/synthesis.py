"""Synthesis networks: from one w per layer to an image, level by level.

`SynthesisNetwork.levels` is the one loop that all of them share. It yields the state behind every
level, so that a caller can capture activations, stop between two levels, or go on later from a
stored state; networks differ in their blocks and in how toRGB layers make the image.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.config import GeneratorConfig
from stylesmith.devices import FP32, Precision
from stylesmith.errors import UsageError
from stylesmith.networks.growth import Growth, levels_in_use
from stylesmith.networks.layers import EqualizedLinear

NoiseMaps = Sequence[Tensor | None]
"""One map `(N or 1, 1, H, W)` per noise input, or None where a layer gets no noise."""

NoiseMode = Literal["fixed", "random", "none"]
"""`fixed`: the network's own maps; `random`: maps that belong to the seed; `none`: no noise."""

StyleOffsets = Mapping[str, Tensor]
"""Numbers that are added to styles, `(N or 1, channels)`, by the name of an affine map."""


@dataclass(frozen=True)
class LevelState:
    """N images behind one level of a synthesis network: what the levels above go on from."""

    level: int
    """Counted from 0 at the base."""
    features: Tensor
    """Output of the last layer of the level, `(N, F, h, w)`, in the dtype of the level."""
    rgb: Tensor | None = None
    """Output of the level's toRGB, `(N, C, h, w)`, fp32; None where it has no part in the image."""
    image: Tensor | None = None
    """The image as far as it is drawn, `(N, C, h, w)`, fp32; None below the first toRGB in use."""
    adain_input: Tensor | None = None
    """Input of the last layer's AdaIN, `(N, F, h, w)`; None in networks without AdaIN."""


KeepGoing = Callable[[LevelState], bool]
"""Asked behind every level; False stops the drawing."""


class DrawingStopped(Exception):
    """A `KeepGoing` function answered False before the image was finished."""


@dataclass(frozen=True)
class SynthesisInputs:
    """The arguments of one synthesis, as blocks use them."""

    ws: Tensor
    """One w per layer, `(N, num_ws, D)`."""
    noise: NoiseMaps
    """One map per noise input, or none at all."""
    growth: Growth
    """The levels in use."""
    precision: Precision = FP32
    """Dtype and clamp of the convolution blocks."""
    style_offsets: StyleOffsets = field(default_factory=dict)

    def of_layer(self, layer: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """W `(N, D)`, noise map and style offset of a layer; some networks have one w for all."""
        w = self.ws[:, layer if self.ws.shape[1] > 1 else 0]
        return w, self.noise[layer] if self.noise else None, self.style_offsets.get(str(layer))

    def of_rgb(self, layer: int) -> tuple[Tensor, Tensor | None]:
        """W `(N, D)` and style offset of the toRGB that shares the w of a layer."""
        return self.ws[:, layer], self.style_offsets.get(f"rgb{layer}")


class SynthesisNetwork(nn.Module):
    """From w to images; every synthesis network is made of one block per level.

    It has noise maps of its own, which are saved with it and take no gradient.
    """

    blocks: nn.ModuleList

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config

    @property
    @abstractmethod
    def affines(self) -> dict[str, EqualizedLinear]:
        """The affine maps from w to styles, by layer from the base up.

        `5` is the convolution (or AdaIN) of layer 5, `rgb5` the toRGB that shares its w.
        """

    @abstractmethod
    def block_at(
        self, level: int, below: Tensor | None, inputs: SynthesisInputs
    ) -> tuple[Tensor, Tensor | None]:
        """The layers of one level.

        Args:
            level: Counted from 0 at the base.
            below: Features of the level below; None at the base.
            inputs: The arguments of the synthesis.

        Returns:
            Features of the level, and the input of its last AdaIN, where it has one.
        """

    @abstractmethod
    def image_at(
        self, level: int, features: Tensor, below: LevelState | None, inputs: SynthesisInputs
    ) -> tuple[Tensor | None, Tensor | None]:
        """The output of a level's toRGB, and the image as far as it is drawn (see `LevelState`)."""

    def levels(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
        style_offsets: StyleOffsets | None = None,
        start: LevelState | None = None,
    ) -> Iterator[LevelState]:
        """Draw level by level.

        Args:
            ws: One w per layer, `(N, num_ws, D)`.
            noise: One map per noise input, or none at all.
            growth: The levels in use, by a network that grows; None is all.
            precision: Dtype and clamp of the convolution blocks; images are fp32.
            style_offsets: Numbers to add to styles.
            start: The state to go on from, of N images or of 1; None starts at the base.

        Yields:
            The state behind every level above `start`; the last one holds the images.

        Raises:
            UsageError: If the network has no such level or affine map, or `start` does not fit.
        """
        growth = levels_in_use(growth, self.config.levels, grows=self.grows)
        offsets = {} if style_offsets is None else self._check_offsets(style_offsets)
        inputs = SynthesisInputs(ws, noise, growth, precision, offsets)
        state = start if start is None else self._check_start(start, inputs)
        for level in range(0 if state is None else state.level + 1, growth.level + 1):
            below = None if state is None else state.features
            features, adain_input = self.block_at(level, below, inputs)
            rgb, image = self.image_at(level, features, state, inputs)
            state = LevelState(level, features, rgb, image, adain_input)
            yield state

    def forward(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
        style_offsets: StyleOffsets | None = None,
        start: LevelState | None = None,
        keep_going: KeepGoing | None = None,
    ) -> Tensor:
        """Draw images of the highest level in use, `(N, C, H, W)`, fp32.

        Args:
            ws: One w per layer, `(N, num_ws, D)`.
            noise: See `levels`, as all but the last argument.
            growth: The levels in use.
            precision: Dtype and clamp of the convolution blocks.
            style_offsets: Numbers to add to styles.
            start: The state to go on from.
            keep_going: Asked behind every level whether to go on.

        Raises:
            UsageError: As `levels`.
            DrawingStopped: If `keep_going` answered False.
        """
        image = None
        for state in self.levels(
            ws,
            noise,
            growth=growth,
            precision=precision,
            style_offsets=style_offsets,
            start=start,
        ):
            if keep_going is not None and not keep_going(state):
                raise DrawingStopped(f"stopped behind level {state.level}")
            image = state.image
        return cast(Tensor, image)  # `levels` ends with the highest level, which draws the image

    def forward_pyramid(
        self,
        ws: Tensor,
        noise: NoiseMaps,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> list[Tensor]:
        """Images as `Discriminator.score` takes them: one, or of multiscale networks all levels."""
        return [self(ws, noise, growth=growth, precision=precision)]

    @property
    def grows(self) -> bool:
        """Whether toRGB layers fade in one after the other (ProGAN)."""
        return self.config.connection == "grow"

    @property
    def fixed_noise(self) -> list[Tensor]:
        """The noise maps that belong to the network, `(1, 1, H, W)` each."""
        return [getattr(self, f"noise_{i}") for i in range(len(self.config.noise_shapes))]

    def register_noise(self) -> None:
        """Draw the network's noise maps; the last thing that it draws when it is built."""
        for i, shape in enumerate(self.config.noise_shapes):
            self.register_buffer(f"noise_{i}", torch.randn(1, 1, *shape))

    def _check_offsets(self, offsets: StyleOffsets) -> StyleOffsets:
        affines = self.affines
        for name, offset in offsets.items():
            if name not in affines:
                raise UsageError(missing_affine_message(name, affines))
            channels = len(affines[name].bias)
            if offset.ndim != 2 or offset.shape[1] != channels:
                raise UsageError(
                    f"style offset {name!r}: has the shape {tuple(offset.shape)}, "
                    f"wanted (N, {channels})"
                )
        return offsets

    def _check_start(self, start: LevelState, inputs: SynthesisInputs) -> LevelState:
        """`start`, repeated for every row of ws where it is of one image."""
        top, count = inputs.growth.level, len(inputs.ws)
        if not 0 <= start.level < top:
            raise UsageError(f"start at level {start.level}: wanted 0 to {top - 1}, below the top")
        wanted = (self.config.channels(start.level), *self.config.size(start.level))
        if start.features.shape[1:] != wanted or len(start.features) not in (1, count):
            raise UsageError(
                f"start at level {start.level}: has features {tuple(start.features.shape)}, "
                f"wanted {(count, *wanted)}"
            )
        if len(start.features) == count:
            return start
        image = start.image
        return LevelState(
            start.level,
            start.features.expand(count, -1, -1, -1),
            image=None if image is None else image.expand(count, -1, -1, -1),
        )


def missing_affine_message(name: str, affines: Mapping[str, EqualizedLinear]) -> str:
    """The error text for the name of an affine map that a network lacks."""
    if not affines:
        return "this network has no styles: w enters once, at the bottom"
    return f"layer {name!r}: the styles of this network belong to {', '.join(affines)}"


def growing_image(
    to_rgb: Callable[[int, Tensor], Tensor],
    level: int,
    features: Tensor,
    below: LevelState | None,
    growth: Growth,
) -> Tensor | None:
    """The image of a growing network: that of the highest level in use (ProGAN, section 2).

    While the level fades in, it is blended with the repeated image of the level below.

    Args:
        to_rgb: From a level and its features to an image.
        level: The level that was drawn last.
        features: Its features.
        below: The state of the level below.
        growth: The levels in use.

    Returns:
        None below the highest level in use.
    """
    if level < growth.level:
        return None
    image = to_rgb(level, features)
    if growth.fade == 1 or below is None:
        return image
    lower = to_rgb(level - 1, below.features)
    return torch.lerp(F.interpolate(lower, scale_factor=2, mode="nearest"), image, growth.fade)
