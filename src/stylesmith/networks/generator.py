"""The generator: mapping and synthesis, truncation, and drawing by seed."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from stylesmith import latents
from stylesmith.choices import PrecisionName
from stylesmith.config import GeneratorConfig
from stylesmith.devices import FP32, Precision, choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks.growth import Growth
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.synthesis import NoiseMaps, SynthesisNetwork

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
        w = truncate(self.mapping(z, label), self.mapping.w_avg, psi)
        return self.draw(self.broadcast(w), noise, growth=growth, precision=precision)

    def draw(
        self,
        ws: Tensor,
        noise: NoiseMaps | None = None,
        *,
        growth: Growth | None = None,
        precision: Precision = FP32,
    ) -> Tensor:
        """Draw images from styles, one w for each layer, `(N, num_ws, D)`; the rest as `forward`.

        Images are `(N, C, H, W)`.
        """
        noise = self.synthesis.fixed_noise if noise is None else noise
        growth = growth or self.growth
        return self.synthesis(ws, noise, growth=growth, precision=precision)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images it draws, at the levels trained so far."""
        return self.config.size(self.growth.level if self.growth else None)

    def broadcast(self, w: Tensor) -> Tensor:
        """The same w for every layer: `(N, D)` -> `(N, num_ws, D)`."""
        return w[:, None].expand(-1, self.config.num_ws, -1)

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


def truncate(w: Tensor, center: Tensor, psi: float) -> Tensor:
    """Pull w towards a center, `center + psi * (w - center)` (StyleGAN, appendix B)."""
    return w if psi == 1 else torch.lerp(center.expand_as(w), w, psi)
