"""A trained generator with settings to draw by: from seeds and saved codes to images."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from stylesmith import latents
from stylesmith.devices import choose_precision
from stylesmith.errors import UsageError
from stylesmith.networks import Generator
from stylesmith.networks.fingerprint import model_hash
from stylesmith.networks.synthesis import NoiseMaps
from stylesmith.sampling.codes import LatentCodes, cat_codes
from stylesmith.sampling.layers import check_layers, noise_layers, ws_rows
from stylesmith.sampling.settings import NoiseSettings, SamplingSettings
from stylesmith.sampling.sources import SavedLatent, SeedOrLatent, load_seeds_and_latents
from stylesmith.sampling.w_samples import sample_w


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
