"""The generator: mapping and synthesis, truncation, and drawing by seed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from stylesmith import latents
from stylesmith.config import GeneratorConfig
from stylesmith.devices import FP32, Precision, PrecisionName, choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks.growth import Growth
from stylesmith.networks.latent_functions import broadcast, truncate
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.synthesis import (
    KeepGoing,
    LevelState,
    NoiseMaps,
    StyleOffsets,
    SynthesisNetwork,
)

NoiseMode = Literal["fixed", "random", "none"]
"""`fixed`: the network's own maps; `random`: maps that belong to the seed; `none`: no noise."""


class Generator(nn.Module):
    """z (and a label) to images; also the object that `stylesmith.load` returns."""

    growth: Growth | None
    """The levels that are trained so far, which are used where none are named; None is all."""

    def __init__(
        self, config: GeneratorConfig, mapping: MappingNetwork, synthesis: SynthesisNetwork
    ):
        super().__init__()
        self.config = config
        self.mapping = mapping
        self.synthesis = synthesis
        self.growth = None

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        psi: float = 1.0,
        noise: NoiseMaps | None = None,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Draw images from latents.

        Args:
            z: Latents, `(N, z_dim)`.
            label: Labels, `(N, label_size)`; wanted by conditional networks only.
            psi: Truncation; 1 is off, 0 gives the mean image.
            noise: One map per noise input; None takes the network's own.
            growth: The levels in use, by a network that grows; None is those trained.
            precision: Number format of the convolution blocks.

        Returns:
            Images of the highest level in use, `(N, C, H, W)`, fp32, about -1..1.

        Raises:
            UsageError: If the network has no such level, or doesn't grow.
        """
        ws = self.map(z, label, psi=psi)
        return self.draw(ws, noise, growth=growth, precision=precision)

    def map(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        psi: float | Tensor = 1.0,
        center: Tensor | None = None,
    ) -> Tensor:
        """Map latents to one w for each layer.

        Args:
            z: Latents, `(N, z_dim)`.
            label: Labels, `(N, label_size)`; wanted by conditional networks only.
            psi: Truncation, a number or one per layer, `(num_ws, 1)`.
            center: The w `(D,)` that truncation pulls towards; None is the mean of all w.

        Returns:
            `(N, num_ws, D)`.
        """
        w = self.mapping(z, label)
        center = self.mapping.w_avg if center is None else center
        if isinstance(psi, Tensor) and psi.ndim:  # layers differ
            return truncate(self.broadcast(w), center, psi)
        return self.broadcast(truncate(w, center, psi))

    def draw(
        self,
        ws: Tensor,
        noise: NoiseMaps | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
        style_offsets: StyleOffsets | None = None,
        start: LevelState | None = None,
        keep_going: KeepGoing | None = None,
    ) -> Tensor:
        """Draw images from styles.

        Args:
            ws: One w for each layer, `(N, num_ws, D)`.
            noise: One map per noise input; None takes the network's own.
            growth: The levels in use, by a network that grows; None is those trained.
            precision: Number format of the convolution blocks.
            style_offsets: Numbers to add to styles, `(N or 1, channels)`, by name of affine map.
            start: The state of a level, from `levels`, to go on from.
            keep_going: Asked behind every level whether to go on.

        Returns:
            Images of the highest level in use, `(N, C, H, W)`, fp32, about -1..1.

        Raises:
            UsageError: If there is no such level or affine map, or `start` does not fit.
            DrawingStopped: If `keep_going` answered False.
        """
        images: Tensor = self.synthesis(
            ws,
            self.synthesis.fixed_noise if noise is None else noise,
            growth=growth or self.growth,
            precision=precision,
            style_offsets=style_offsets,
            start=start,
            keep_going=keep_going,
        )
        return images

    def levels(
        self,
        ws: Tensor,
        noise: NoiseMaps | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
        style_offsets: StyleOffsets | None = None,
        start: LevelState | None = None,
    ) -> Iterator[LevelState]:
        """Draw level by level: features, toRGB's contribution and image so far of every level.

        Arguments and errors are those of `draw`.
        """
        return self.synthesis.levels(
            ws,
            self.synthesis.fixed_noise if noise is None else noise,
            growth=growth or self.growth,
            precision=precision,
            style_offsets=style_offsets,
            start=start,
        )

    @property
    def top_level(self) -> int:
        """The highest level that is trained so far."""
        return self.growth.level if self.growth else self.config.levels - 1

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images it draws, at the levels trained so far."""
        return self.config.size(self.top_level)

    def broadcast(self, w: Tensor) -> Tensor:
        """The same w for every layer: `(N, D)` -> `(N, num_ws, D)`."""
        return broadcast(w, self.config.num_ws)

    @torch.no_grad()
    def sample(
        self,
        seeds: Iterable[int],
        *,
        psi: float = 1.0,
        label: Tensor | int | None = None,
        noise: NoiseMode = "fixed",
        growth: Growth | None = None,
        precision: PrecisionName = "auto",
        batch_size: int = 16,
    ) -> Tensor:
        """One image per seed, `(N, C, H, W)`, fp32, clipped to -1..1, on the network's device.

        The same seed gives the same image whatever the other seeds and the batch size: z and
        noise are identical, pixels equal to the tolerance of float arithmetic.

        Args:
            seeds: Whole numbers from 0 to 2**32 - 1.
            psi: Truncation towards the mean of w (StyleGAN, appendix B); 1 is off.
            label: Class number, or labels `(label_size,)`; wanted by conditional networks.
            noise: Which noise maps to use.
            growth: The levels in use, by a network that grows; None is those trained.
            precision: Number format of the convolution blocks; `auto` follows the device.
            batch_size: Images drawn at once.

        Raises:
            UsageError: If the label or `growth` does not fit the network.
        """
        seeds = list(seeds)
        device = self.mapping.w_avg.device
        policy = choose_precision(precision, device)
        row = self.label_row(label)
        chunks = []
        for start in range(0, len(seeds), batch_size):
            chunk = seeds[start : start + batch_size]
            z = latents.latents_from_seeds(chunk, self.config.mapping.z_dim).to(device)
            labels = None if row is None else row.to(device).expand(len(chunk), -1)
            maps = self.noise_maps(chunk, noise)
            images = self(z, labels, psi=psi, noise=maps, growth=growth, precision=policy)
            chunks.append(images.clamp(-1, 1))
        return torch.cat(chunks)

    def noise_maps(self, seeds: Sequence[int], mode: NoiseMode) -> NoiseMaps:
        """The noise of each seed in one of the three modes, on the network's device."""
        match mode:
            case "fixed":
                return self.synthesis.fixed_noise
            case "none":
                return [None] * len(self.config.noise_shapes)
            case "random":
                z_dim, shapes = self.config.mapping.z_dim, self.config.noise_shapes
                maps = latents.noise_from_seeds(seeds, z_dim, shapes)
                return [noise.to(self.mapping.w_avg.device) for noise in maps]

    def label_row(self, label: Tensor | int | None) -> Tensor | None:
        """A class number or label as one row `(1, label_size)`; None for unconditional networks.

        Raises:
            UsageError: If the label is missing, superfluous or out of range.
        """
        size = self.config.label_size
        if not size:
            if label is not None:
                raise UsageError("this network was trained without labels; leave the class out")
            return None
        if label is None:
            raise UsageError(f"this network draws by class; name one of 0-{size - 1}")
        if isinstance(label, Tensor):
            if label.shape != (size,):
                raise UsageError(f"a label of this network has {size} numbers, got {label.numel()}")
            return label[None].float()
        if not 0 <= label < size:
            raise UsageError(f"class {label}: this network has the classes 0-{size - 1}")
        return torch.eye(size)[label][None]
