"""The sampling pipeline: seeds, latents z or w, or latent codes to images.

Truncation, class, noise and precision are its settings. It is the one way from a seed to an image
for the Python interface, the commands, projection, figures and metrics of seeds.

Source: StyleGAN, section 3.2 and appendix B; the statistics of w, StyleGAN2, appendix D.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from stylesmith import latents
from stylesmith.choices import PrecisionName, TruncationCenter, check_choices
from stylesmith.devices import choose_drawing_precision, dtype_name
from stylesmith.errors import ModelError, UsageError
from stylesmith.networks.growth import Growth
from stylesmith.networks.latent_codes import LatentCodes, SavedLatent, SeedOrLatent, cat_codes
from stylesmith.networks.latent_functions import truncate
from stylesmith.networks.layer_indices import (
    LayerIndices,
    check_layers,
    format_layers,
    noise_layers,
)
from stylesmith.networks.sample_inputs import (
    LabelInput,
    PsiInput,
    check_labels,
    check_latents,
    check_noise_maps,
    check_psi,
    check_seeds,
)
from stylesmith.networks.synthesis import KeepGoing, LevelState, NoiseMaps, NoiseMode
from stylesmith.tensor_file import tensors_hash

if TYPE_CHECKING:
    from stylesmith.networks.generator import Generator


@check_choices
@dataclass(frozen=True)
class NoiseSettings:
    """Which noise maps, and which layers get them."""

    mode: NoiseMode = "fixed"
    layers: LayerIndices | None = None
    """The layers that get noise, the others none; None is all."""

    def __str__(self) -> str:
        return self.mode if self.layers is None else f"{self.mode}:{format_layers(self.layers)}"


@check_choices
@dataclass(frozen=True)
class SamplingSettings:
    """The settings that decide an image besides its seed."""

    psi: PsiInput = 1.0
    """Truncation (StyleGAN, appendix B); 1 is off, 0 gives the mean image."""
    psi_layers: LayerIndices | None = None
    """The layers that are truncated; None is all."""
    center: TruncationCenter | Tensor = "global"
    """The center of truncation, or a w `(D,)` of one's own."""
    label: LabelInput | None = None
    """Class or label, where the network has classes."""
    noise: NoiseSettings = NoiseSettings()
    precision: PrecisionName = "auto"
    """Number format of the convolution blocks; `auto` is fp32."""
    growth: Growth | None = None
    """The levels in use, by a network that grows; None is those trained."""

    def describe(self) -> dict[str, Any]:
        """As JSON, for files."""
        layers = None if self.psi_layers is None else format_layers(self.psi_layers)
        return {
            "psi": _as_json(self.psi),
            "psi_layers": layers,
            "center": _as_json(self.center),
            "class": _as_json(self.label),
            "noise": str(self.noise),
            "precision": self.precision,
        }


def _as_json(value: Any) -> Any:
    return value.tolist() if isinstance(value, Tensor | np.ndarray) else value


W_SAMPLE_COUNT = 10_000
W_SAMPLES_SEED = 123
"""The stream of latents that the published projector estimates the mean of w from."""


@torch.no_grad()
def sample_w(
    generator: "Generator", label: Tensor | None = None, *, count: int = W_SAMPLE_COUNT
) -> Tensor:
    """Intermediate latents `(count, D)`, fp32, on the network's device; always the same ones.

    Args:
        generator: Any generator.
        label: One row `(1, label_size)`, as `generator.label_row` gives it; without one, a
            conditional network gets its classes in turn.
        count: How many.
    """
    config, device = generator.config, generator.mapping.w_avg.device
    z = np.random.RandomState(W_SAMPLES_SEED).randn(count, config.mapping.z_dim)
    if label is None and config.label_size:
        label = torch.eye(config.label_size)[torch.arange(count) % config.label_size]
    parts = []
    for start in range(0, count, 1000):
        part = torch.from_numpy(z[start : start + 1000]).float().to(device)
        rows = None if label is None else label.expand(count, -1)[start : start + 1000].to(device)
        parts.append(generator.mapping(part, rows))
    return torch.cat(parts)


DEFAULT_BATCH_SIZE = 16
"""Images drawn at once."""


class SamplingPipeline:
    """Draws by seed, from latents or from saved codes, all by the same settings.

    Source: StyleGAN, section 3.2 and appendix B.
    """

    def __init__(
        self,
        generator: "Generator",
        settings: SamplingSettings | None = None,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        refuse_infinite: bool = True,
    ):
        """Make a pipeline.

        Args:
            generator: The network, whose weights are fp32.
            settings: How to draw.
            batch_size: Images drawn at once by `sample` and the writers of files.
            refuse_infinite: Whether images with numbers that are not finite are a ModelError; else
                these become black, as in previews of a run that diverges.

        Raises:
            UsageError: If the settings don't fit the network.
        """
        self.refuse_infinite = refuse_infinite
        self.generator, self.settings = generator, settings or SamplingSettings()
        self.config, self.batch_size = generator.config, batch_size
        self.device, dtype = generator.mapping.w_avg.device, generator.mapping.w_avg.dtype
        if dtype != torch.float32:
            raise UsageError(
                f"this network's weights are {dtype}, wanted torch.float32: call .float(), and "
                "choose the dtype of drawing by precision"
            )
        self.precision = choose_drawing_precision(self.settings.precision, self.device)
        label = self.settings.label
        labels = None if label is None else self._check_labels(label)
        self.labels = labels
        """One row for all images, or one per image; None where no class is chosen."""
        for layers in (self.settings.psi_layers, self.settings.noise.layers):
            check_layers(layers or (), self.config)
        psi = check_psi(self.settings.psi, self.settings.psi_layers, self.config)
        self.psi = psi.to(self.device)
        """Truncation of each layer, `(num_ws, 1)`."""
        self._truncates = bool((psi != 1).any())
        if self.settings.center == "class" and not self.config.label_size:
            raise UsageError("center of a class: this network was trained without labels")

    def describe(self) -> dict[str, Any]:
        """The settings and the dtype that they lead to, as JSON, for files."""
        return {**self.settings.describe(), "dtype": dtype_name(self.precision)}

    @cached_property
    def model_hash(self) -> str:
        """Hash of the generator, which saved codes and directions belong to."""
        return tensors_hash(self.generator.state_dict().items())

    @cached_property
    def center(self) -> Tensor:
        """The w that truncation pulls towards, `(D,)`, or `(N, 1, D)` of several labels.

        The mean over all classes is the network's running one, that of a class comes from 10,000
        latents.
        """
        center = self.settings.center
        if isinstance(center, Tensor):
            return check_latents("center", center, [(self.config.w_dim,)])[0].to(self.device)
        if center == "global":
            return self.generator.mapping.w_avg
        labels = self._chosen_labels()
        assert labels is not None  # a network without classes has no center of a class
        if len(labels) == 1:
            return self.w_samples.mean(dim=0)
        classes, which = labels.unique(dim=0, return_inverse=True)
        means = [sample_w(self.generator, row[None]).mean(dim=0) for row in classes]
        return torch.stack(means)[which][:, None]

    @cached_property
    def w_samples(self) -> Tensor:
        """10,000 w of the class, `(10000, D)`; of all classes in turn, where none is chosen."""
        return sample_w(self.generator, self.labels)

    def sample(
        self,
        seeds: Iterable[int] | None = None,
        *,
        z: Any = None,
        w: Any = None,
        noise: NoiseMaps | None = None,
    ) -> Tensor:
        """Draw images in batches, `(N, C, H, W)`, fp32, clipped to -1..1.

        Args:
            seeds: Whole numbers from 0 to 2**32 - 1; or in their place
            z: latents, `(N, z_dim)`, or
            w: intermediate latents, `(N, D)`, or one per layer, `(N, num_ws, D)`.
            noise: Noise maps in place of those of the settings, `(N or 1, 1, H, W)` each.

        Raises:
            UsageError: If not one of the three is given, or one does not fit the network.
        """
        if sum(given is not None for given in (seeds, z, w)) != 1:
            raise UsageError("sample: wanted seeds, z or w, one of the three")
        numbers = None if seeds is None else check_seeds(seeds)
        if numbers is not None:
            ws = self.ws(numbers)
        elif z is not None:
            ws = self.map_z(check_latents("z", z, [(self.config.mapping.z_dim,)]))
        else:
            ws = self.truncate(self._given_w(w))
        if noise is not None:
            maps = check_noise_maps(noise, self.config, len(ws))
            noise = [None if map_ is None else map_.to(self.device) for map_ in maps]
        elif numbers is None:
            noise = self.noise_maps_without_seeds()
        images = []
        for start in range(0, len(ws), self.batch_size):
            part = slice(start, start + self.batch_size)
            if noise is not None:
                codes = LatentCodes(ws, noise)[part]
            else:
                codes = LatentCodes(ws[part], self.noise_maps((numbers or [])[part]))
            images.append(self.draw(codes))
        return torch.cat(images)

    def codes(self, sources: Sequence[SeedOrLatent]) -> LatentCodes:
        """Codes of seeds and files; psi and the noise of seeds have no effect on files."""
        seeds = [source for source in sources if isinstance(source, int)]
        if len(seeds) == len(sources):
            return LatentCodes(self.ws(seeds), self.noise_maps(seeds))
        return cat_codes([self._codes_of(source) for source in sources])

    def ws(self, seeds: Sequence[int]) -> Tensor:
        """Truncated styles, `(N, num_ws, D)`."""
        return self.map_z(latents.latents_from_seeds(seeds, self.config.mapping.z_dim))

    @torch.no_grad()
    def map_z(self, z: Tensor) -> Tensor:
        """Truncated styles `(N, num_ws, D)` of latents `(N, z_dim)`."""
        labels = self._labels_of(len(z))
        w = self.generator.mapping(z.to(self.device), labels)
        return self.truncate(self.generator.broadcast(w))

    def truncate(self, ws: Tensor) -> Tensor:
        """Styles `(N, num_ws, D)` pulled towards the center by each layer's psi."""
        return truncate(ws, self.center, self.psi) if self._truncates else ws

    def noise_maps(self, seeds: Sequence[int]) -> NoiseMaps:
        """The noise maps that the settings choose for each seed."""
        return self._select_noise(self.generator.noise_maps(seeds, self.settings.noise.mode))

    def noise_maps_without_seeds(self) -> NoiseMaps:
        """The noise maps of images that have no seed.

        Raises:
            UsageError: If the settings ask for random ones, which belong to seeds.
        """
        if self.settings.noise.mode == "random":
            raise UsageError(
                "noise 'random' belongs to seeds: name seeds, pass noise maps, or choose "
                "'fixed' or 'none'"
            )
        return self.noise_maps([])

    @torch.no_grad()
    def draw(self, codes: LatentCodes, *, keep_going: KeepGoing | None = None) -> Tensor:
        """Images `(N, C, H, W)`, fp32, clipped to -1..1, on the network's device.

        Args:
            codes: Of N images.
            keep_going: Asked behind every level whether to go on.

        Raises:
            DrawingStopped: If `keep_going` answered False.
            ModelError: If images are not finite, where these are refused.
        """
        images = self.generator.draw(
            codes.ws,
            codes.noise,
            growth=self.settings.growth,
            precision=self.precision,
            style_offsets=codes.style_offsets,
            keep_going=keep_going,
        )
        if self.refuse_infinite and not images.isfinite().all():  # black, without a word
            raise ModelError(
                "the network draws no finite images of these inputs: numbers of its weights or of "
                "the latents are too large."
            )
        return images.clamp(-1, 1)

    @torch.no_grad()
    def levels(self, codes: LatentCodes) -> list[LevelState]:
        """The states behind all levels in use, from the base up; images are not clipped."""
        states = self.generator.levels(
            codes.ws,
            codes.noise,
            growth=self.settings.growth,
            precision=self.precision,
            style_offsets=codes.style_offsets,
        )
        return list(states)

    def with_noise(self, choice: NoiseSettings) -> "SamplingPipeline":
        """The same settings, with another noise."""
        settings = replace(self.settings, noise=choice)
        other = SamplingPipeline(self.generator, settings, batch_size=self.batch_size)
        if "w_samples" in self.__dict__:  # the mean of a class takes 10,000 latents
            other.w_samples = self.w_samples
        return other

    def _given_w(self, w: Any) -> Tensor:
        config = self.config
        rows = check_latents("w", w, [(config.w_dim,), (config.num_ws, config.w_dim)])
        rows = rows.to(self.device)
        return self.generator.broadcast(rows) if rows.ndim == 2 else rows

    def _labels_of(self, count: int) -> Tensor | None:
        labels = self._chosen_labels()
        if labels is None or len(labels) == count:
            return labels
        if len(labels) != 1:
            raise UsageError(
                f"{len(labels)} labels for {count} images; wanted one label, or one per image"
            )
        return labels.expand(count, -1)

    def _chosen_labels(self) -> Tensor | None:
        """The labels that z is mapped with; a network with classes wants one only here."""
        return self._check_labels(None) if self.labels is None else self.labels

    def _check_labels(self, label: LabelInput | None) -> Tensor | None:
        rows = check_labels(label, self.config, self.generator.class_names)
        return None if rows is None else rows.to(self.device)

    def _codes_of(self, source: SeedOrLatent) -> LatentCodes:
        if isinstance(source, int):
            return self.codes([source])
        return LatentCodes(
            source.ws[None].to(self.device), self._select_noise(self._saved_noise(source))
        )

    def _saved_noise(self, source: SavedLatent) -> NoiseMaps:
        match self.settings.noise.mode:
            case "fixed":
                return [None if noise is None else noise.to(self.device) for noise in source.noise]
            case "none":
                return [None] * len(source.noise)
            case "random":
                raise UsageError(f"random noise: {source.path} has noise of its own; draw it fixed")

    def _select_noise(self, noise: NoiseMaps) -> NoiseMaps:
        """The maps of the layers that get noise."""
        choice = self.settings.noise
        if choice.layers is None:
            return noise
        wanted = [layer in choice.layers for layer in noise_layers(self.config)]
        return [map_ if keep else None for map_, keep in zip(noise, wanted, strict=True)]
