"""The generator: mapping and synthesis, truncation, and drawing by seed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from stylesmith import latents
from stylesmith.choices import PrecisionName, TruncationCenter, check_choices
from stylesmith.config import GeneratorConfig
from stylesmith.devices import FP32, Precision
from stylesmith.errors import UsageError
from stylesmith.networks.growth import Growth
from stylesmith.networks.latent_functions import broadcast, truncate
from stylesmith.networks.mapping import MappingNetwork
from stylesmith.networks.sample_inputs import Array, LabelInput, PsiInput, check_labels
from stylesmith.networks.sampling_pipeline import (
    NoiseSettings,
    SamplingPipeline,
    SamplingSettings,
)
from stylesmith.networks.synthesis import (
    KeepGoing,
    LevelState,
    NoiseMaps,
    NoiseMode,
    StyleOffsets,
    SynthesisNetwork,
)


class Generator(nn.Module):
    """z (and a label) to images; also the object that `stylesmith.load` returns."""

    growth: Growth | None
    """The levels that are trained so far, which are used where none are named; None is all."""
    class_names: tuple[str, ...] | None
    """Names of the classes, in the order of their numbers, where the data told them."""

    def __init__(
        self, config: GeneratorConfig, mapping: MappingNetwork, synthesis: SynthesisNetwork
    ):
        super().__init__()
        self.config = config
        self.mapping = mapping
        self.synthesis = synthesis
        self.growth = None
        self.class_names = None

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

    @check_choices
    def sample(
        self,
        seeds: Iterable[int] | None = None,
        *,
        z: Array | Sequence[Any] | None = None,
        w: Array | Sequence[Any] | None = None,
        psi: PsiInput = 1.0,
        center: TruncationCenter | Tensor = "global",
        label: LabelInput | None = None,
        noise: NoiseMode | NoiseMaps = "fixed",
        growth: Growth | None = None,
        precision: PrecisionName = "auto",
        batch_size: int = 16,
    ) -> Tensor:
        """Draw one image per seed or latent.

        The same seed gives the same image whatever the other seeds and the batch size: z and
        noise are identical, pixels equal to the tolerance of float arithmetic.

        Args:
            seeds: Whole numbers from 0 to 2**32 - 1; or in their place
            z: latents, `(N, z_dim)`, or
            w: intermediate latents, `(N, D)`, or one per layer, `(N, num_ws, D)`.
            psi: Truncation (StyleGAN, appendix B); 1 is off. One number, or one per layer.
            center: The w that truncation pulls towards: `global`, the mean of all; `class`, the
                mean of the label's; or a w of one's own, `(D,)`.
            label: Class by number or name, or a label `(label_size,)`; one for all images, or a
                list with one per image. Wanted by conditional networks, of seeds and z.
            noise: `fixed`, the network's own maps; `random`, maps that belong to the seed; `none`;
                or maps, one `(N or 1, 1, H, W)` per noise input.
            growth: The levels in use, by a network that grows; None is those trained.
            precision: Dtype of the convolution blocks; `auto` is fp32, `bf16` is faster where the
                device has it.
            batch_size: Images drawn at once.

        Returns:
            Images `(N, C, H, W)`, fp32, clipped to -1..1, on the network's device.

        Raises:
            UsageError: If an argument does not fit the network.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size {batch_size}: wanted 1 or more")
        mode = noise if isinstance(noise, str) else "fixed"
        settings = SamplingSettings(
            psi=psi,
            center=center,
            label=label,
            noise=NoiseSettings(mode),
            precision=precision,
            growth=growth,
        )
        pipeline = SamplingPipeline(self, settings, batch_size=batch_size)
        maps = None if isinstance(noise, str) else noise
        return pipeline.sample(seeds, z=z, w=w, noise=maps)

    @check_choices
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

    def label_row(self, label: LabelInput | None) -> Tensor | None:
        """A class number, name or label as one row `(1, label_size)`; None without classes.

        Raises:
            UsageError: If the label is missing, superfluous or out of range.
        """
        return check_labels(label, self.config, self.class_names)
