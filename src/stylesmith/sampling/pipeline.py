"""The sampling pipeline: seeds, latents z or latent files to images.

Truncation, class, noise and precision are its settings.

Source: StyleGAN, section 3.2 and appendix B; the statistics of w, StyleGAN2, appendix D.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stylesmith import latents
from stylesmith.choices import PrecisionName, TruncationCenter
from stylesmith.config import GeneratorConfig
from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.networks.generator import NoiseMode
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.sampling.latent_codes import (
    LatentCodes,
    SavedLatent,
    SeedOrLatent,
    cat_codes,
    load_seeds_and_latents,
)
from stylesmith.sampling.parsing import (
    LayerIndices,
    check_layers,
    format_layers,
    noise_layers,
    parse_layers,
    ws_rows,
)


@dataclass(frozen=True)
class NoiseSettings:
    """Which noise maps, and which layers get them."""

    mode: NoiseMode = "fixed"
    layers: LayerIndices | None = None
    """The layers that get noise, the others none; None is all."""

    def __str__(self) -> str:
        return self.mode if self.layers is None else f"{self.mode}:{format_layers(self.layers)}"


@dataclass(frozen=True)
class SamplingSettings:
    """What decides a picture besides the seed."""

    psi: float = 1.0
    """Truncation (StyleGAN, appendix B); 1 is off, 0 gives the mean image."""
    psi_layers: LayerIndices | None = None
    """The layers that are truncated; None is all."""
    center: TruncationCenter = "global"
    label: int | None = None
    """Class, where the network has classes."""
    noise: NoiseSettings = NoiseSettings()
    precision: PrecisionName = "auto"

    def describe(self) -> dict[str, str | float | int | None]:
        """As JSON, for files."""
        layers = None if self.psi_layers is None else format_layers(self.psi_layers)
        return {
            "psi": self.psi,
            "psi_layers": layers,
            "center": self.center,
            "class": self.label,
            "noise": str(self.noise),
            "precision": self.precision,
        }


def parse_noise(text: str, config: GeneratorConfig, *, option: str = "--noise") -> NoiseSettings:
    """`fixed`, `random`, `none`, layers that get the fixed noise (`8-17`), or `random:8-17`.

    Raises:
        UsageError: If it is none of these, or names layers that this network doesn't have.
    """
    mode, colon, layers = text.strip().lower().partition(":")
    if mode not in ("fixed", "random", "none"):
        if colon or not re.search(r"\d|coarse|middle|fine|all", mode):
            wanted = "wanted 'fixed', 'random', 'none', or layers such as 8-17 or random:8-17"
            raise UsageError(f"{option} {text!r}: {wanted}")
        mode, colon, layers = "fixed", ":", text
    chosen = parse_layers(layers, config, option=option) if colon else None
    if mode == "none" and chosen is not None:
        raise UsageError(f"{option} {text!r}: none is for all layers; name those that get noise")
    return NoiseSettings(mode, chosen)  # type: ignore[arg-type]  # one of the three


W_SAMPLE_COUNT = 10_000
W_SAMPLES_SEED = 123
"""The stream of latents that the published projector estimates the mean of w from."""


@torch.no_grad()
def sample_w(
    generator: Generator, label: Tensor | None = None, *, count: int = W_SAMPLE_COUNT
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


class SamplingPipeline:
    """Draws by seed or from saved codes, all by the same settings.

    Source: StyleGAN, section 3.2 and appendix B.
    """

    def __init__(self, generator: Generator, settings: SamplingSettings | None = None):
        """Raises UsageError if the settings don't fit the network."""
        self.generator, self.settings = generator, settings or SamplingSettings()
        self.config, self.device = generator.config, generator.mapping.w_avg.device
        self.label = generator.label_row(self.settings.label)
        self.precision = choose_precision(self.settings.precision, self.device)
        for layers in (self.settings.psi_layers, self.settings.noise.layers):
            check_layers(layers or (), self.config)
        if self.settings.center == "class" and self.label is None:
            raise UsageError("center of a class: this network was trained without labels")

    @cached_property
    def model_hash(self) -> str:
        """Of the generator, which saved codes and directions belong to."""
        return model_hash(self.generator)

    @cached_property
    def center(self) -> Tensor:
        """The w `(D,)` that truncation pulls towards.

        The mean over all classes is the network's running one, that of a class comes from 10,000
        latents.
        """
        if self.settings.center == "global":
            return self.generator.mapping.w_avg
        return self.w_samples.mean(dim=0)

    @cached_property
    def w_samples(self) -> Tensor:
        """10,000 w of the class, `(10000, D)`; of all classes in turn, where none is chosen."""
        return sample_w(self.generator, self.label)

    @cached_property
    def psi(self) -> Tensor:
        """Truncation of each layer, `(num_ws, 1)`."""
        psi = torch.ones(self.config.num_ws, 1, device=self.device)
        layers = self.settings.psi_layers
        rows = slice(None) if layers is None else ws_rows(layers, self.config)
        psi[rows] = self.settings.psi
        return psi

    def codes(self, sources: Sequence[SeedOrLatent]) -> LatentCodes:
        """Codes of seeds and files; psi and the noise of seeds have no say in files."""
        seeds = [source for source in sources if isinstance(source, int)]
        if len(seeds) == len(sources):
            return LatentCodes(self.ws(seeds), self.noise_maps(seeds))
        return cat_codes([self._codes_of(source) for source in sources])

    @torch.no_grad()
    def ws(self, seeds: Sequence[int]) -> Tensor:
        """Truncated styles, `(N, num_ws, D)`."""
        return self.map_z(latents.latents_from_seeds(seeds, self.config.mapping.z_dim))

    @torch.no_grad()
    def map_z(self, z: Tensor) -> Tensor:
        """Truncated styles `(N, num_ws, D)` of latents `(N, z_dim)`."""
        label = None if self.label is None else self.label.to(self.device).expand(len(z), -1)
        ws = self.generator.broadcast(self.generator.mapping(z.to(self.device), label))
        return ws if (self.psi == 1).all() else torch.lerp(self.center.expand_as(ws), ws, self.psi)

    def noise_maps(self, seeds: Sequence[int]) -> NoiseMaps:
        """The noise maps that the settings choose for each seed."""
        return self._select_noise(self.generator.noise_maps(seeds, self.settings.noise.mode))

    @torch.no_grad()
    def draw(self, codes: LatentCodes) -> Tensor:
        """Images `(N, C, H, W)`, fp32, clipped to -1..1, on the network's device."""
        return self.generator.draw(codes.ws, codes.noise, precision=self.precision).clamp(-1, 1)

    def with_noise(self, choice: NoiseSettings) -> "SamplingPipeline":
        """The same settings, with another noise."""
        other = SamplingPipeline(self.generator, replace(self.settings, noise=choice))
        if "w_samples" in self.__dict__:  # the mean of a class takes 10,000 latents
            other.w_samples = self.w_samples
        return other

    def load_sources(self, parts: Sequence[int | Path]) -> list[SeedOrLatent]:
        """Sources of seeds and latent files; the files are read.

        Raises:
            DataError: If a file is missing, damaged, or belongs to another generator.
        """
        there = any(isinstance(part, Path) for part in parts)  # a hash of large networks takes time
        return load_seeds_and_latents(parts, self.config, model=self.model_hash if there else "")

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
