"""Scenes: everything that decides one picture of a generator, as a document, and its drawing.

The explorer shows scenes, PNG files carry them, and `generate --scene` draws them. A scene that
says no more than the options of `generate` do gives the same picture as these, to the bit.

Source: truncation and style mixing, StyleGAN, appendix B and section 3.1.
"""

import json
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from stylesmith.choices import TruncationCenter
from stylesmith.config.base import Config
from stylesmith.errors import UsageError
from stylesmith.networks import Generator
from stylesmith.networks.latent_codes import LatentCodes
from stylesmith.networks.layer_indices import LayerIndices, check_layers
from stylesmith.networks.sample_inputs import LabelInput
from stylesmith.networks.sampling_pipeline import NoiseSettings, SamplingPipeline, SamplingSettings
from stylesmith.networks.synthesis import KeepGoing, NoiseMode
from stylesmith.sampling.directions import Direction, pca_directions, sefa_directions
from stylesmith.sampling.editing import mix_styles

MAX_SCENE_BYTES = 1 << 16
"""Length of a scene as JSON."""
MAX_CENTERS = 32
"""Means of classes that are kept."""
MAX_DIRECTIONS = 64
"""Directions that are found for the same layers."""
MAX_SEARCHES = 32
"""Sets of layers whose directions are kept."""

Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Psi = Annotated[float, Field(ge=-2, le=2)]
Layers = Annotated[tuple[Annotated[int, Field(strict=True, ge=0)], ...], Field(max_length=64)]
ClassNumber = Annotated[int, Field(strict=True, ge=0)]


class SceneNoise(Config):
    """Noise of a picture."""

    mode: NoiseMode = "fixed"
    """`fixed`: the network's own maps; `random`: those of a seed; `none`: no noise."""
    seed: Seed | None = None
    """Seed of random noise; None is the seed of the picture."""
    strength: float = Field(default=1.0, ge=0, le=2)
    """Factor on the noise maps."""
    layers: Layers | None = None
    """The layers that get noise; None is all."""


class LayerMix(Config):
    """Layers that take their styles from another seed (StyleGAN, section 3.1)."""

    seed: Seed
    layers: Annotated[Layers, Field(min_length=1)]
    amount: float = Field(default=1.0, ge=0, le=1)
    """How far towards the other seed's w, 0..1; 1 is style mixing."""


class Move(Config):
    """A step along a direction that the network itself tells (sampling/directions.py)."""

    origin: Literal["weights", "samples"] = "weights"
    """Closed-form factorization of the weights (SeFa), or components of samples of w (GANSpace)."""
    layers: Annotated[Layers, Field(min_length=1)]
    """The layers that it is found for, and that move."""
    number: int = Field(strict=True, ge=1, le=MAX_DIRECTIONS)
    """Number of the direction; 1 is the strongest."""
    strength: float = Field(ge=-20, le=20)
    """Distance along the direction, in standard deviations of w."""


class Scene(Config):
    """Everything that decides a picture, beside the generator."""

    version: Literal[1] = 1
    seed: Seed = 0
    psi: Psi = 0.7
    """Truncation of all layers; 0 is the mean picture, 1 is full variety."""
    layer_psi: Annotated[tuple[Psi, ...], Field(max_length=64)] | None = None
    """Truncation of each layer, in place of `psi`."""
    center: TruncationCenter = "global"
    label: ClassNumber | Annotated[tuple[float, ...], Field(max_length=4096)] | None = None
    """A class by number, or the weights of a mixture of classes; None where there are none."""
    noise: SceneNoise = SceneNoise()
    mix: Annotated[tuple[LayerMix, ...], Field(max_length=64)] = ()
    """Applied in this order, so that the last one wins where layers are named twice."""
    moves: Annotated[tuple[Move, ...], Field(max_length=64)] = ()
    """Applied behind the mixing."""

    def to_json(self) -> str:
        """The document, without the values that are defaults."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps({"version": self.version, **chosen}, separators=(",", ":"))


class ScenePainter:
    """Draws scenes with one generator; not for several threads at once."""

    def __init__(self, generator: Generator):
        self.generator = generator
        self._centers: dict[object, Tensor] = {}
        self._directions: dict[tuple[str, LayerIndices], list[Direction]] = {}
        self._plain = SamplingPipeline(generator)

    def draw(self, scene: Scene, keep_going: KeepGoing | None = None) -> Tensor:
        """Draw a scene, `(1, C, H, W)`, fp32, clipped to -1..1.

        Args:
            scene: What to draw.
            keep_going: Asked behind every level whether to go on.

        Raises:
            UsageError: If the scene does not fit the network.
            ModelError: If the picture is not finite.
            DrawingStopped: If `keep_going` answered False.
        """
        pipeline = self.pipeline(scene)
        return pipeline.draw(self.codes(scene, pipeline), keep_going=keep_going)

    def pipeline(self, scene: Scene) -> SamplingPipeline:
        """The sampling pipeline with the settings of a scene.

        Raises:
            UsageError: If they do not fit the network.
        """
        settings = SamplingSettings(
            psi=scene.psi if scene.layer_psi is None else scene.layer_psi,
            center=scene.center,
            label=_label_input(scene),
            noise=NoiseSettings(scene.noise.mode, scene.noise.layers),
        )
        pipeline = SamplingPipeline(self.generator, settings)
        if scene.center == "class":  # takes 10,000 latents
            if scene.label not in self._centers:
                if len(self._centers) >= MAX_CENTERS:
                    self._centers.clear()
                self._centers[scene.label] = pipeline.center
            pipeline.center = self._centers[scene.label]
        return pipeline

    def codes(self, scene: Scene, pipeline: SamplingPipeline) -> LatentCodes:
        """The styles and noise of a scene, by a pipeline with its settings.

        Raises:
            UsageError: If the network has no such layers.
        """
        codes = pipeline.codes([scene.seed])
        for part in scene.mix:
            other = pipeline.codes([part.seed])
            if part.amount < 1:
                other = replace(other, ws=codes.ws.lerp(other.ws, part.amount))
            codes = mix_styles(codes, other, part.layers, pipeline.config)
        for move in scene.moves:
            strength = torch.tensor([move.strength], device=pipeline.device)
            codes = self._direction(move).apply(codes, strength, pipeline.config)
        return self._with_noise(codes, scene, pipeline)

    @torch.no_grad()
    def _direction(self, move: Move) -> Direction:
        """The direction of a move; it is the network's own, whatever the rest of a scene says."""
        key = move.origin, move.layers
        if key not in self._directions:
            check_layers(move.layers, self.generator.config)
            if len(self._directions) >= MAX_SEARCHES:
                self._directions.clear()
            find = sefa_directions if move.origin == "weights" else pca_directions
            self._directions[key] = find(self._plain, layers=move.layers, count=MAX_DIRECTIONS)
        found = self._directions[key]
        if move.number > len(found):
            raise UsageError(f"direction {move.number}: this network has 1-{len(found)} there")
        return found[move.number - 1]

    def _with_noise(
        self, codes: LatentCodes, scene: Scene, pipeline: SamplingPipeline
    ) -> LatentCodes:
        noise, maps = scene.noise, codes.noise
        if noise.mode == "random" and noise.seed is not None:
            maps = pipeline.noise_maps([noise.seed])
        if noise.strength != 1:
            maps = [None if one is None else one * noise.strength for one in maps]
        return replace(codes, noise=maps)


def _label_input(scene: Scene) -> LabelInput | None:
    if isinstance(scene.label, tuple):
        return np.array(scene.label, np.float32)
    return scene.label
