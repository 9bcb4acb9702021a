"""Pivotal tuning: a copy of a generator, tuned so that given latent codes draw a given image.

Source: Roich et al. 2021, Pivotal Tuning for Latent-based Editing of Real Images, section 3.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.errors import DataError, OutputError
from stylesmith.inversion.latent_optimizer import WStatistics
from stylesmith.inversion.projector import ProjectionResult, draw_latent_file
from stylesmith.latents import RandomKeys
from stylesmith.models import save_model
from stylesmith.models.model_card import tuned_card
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.perception.extractors import ImageDistance
from stylesmith.sampling import LatentCodes, SamplingPipeline, load_latents, save_latents


@dataclass(frozen=True)
class PivotalTuningSettings:
    """Settings of pivotal tuning."""

    steps: int = 350
    learning_rate: float = 3e-4
    pixel_weight: float = 1.0
    """Of the mean squared difference of pixels, beside the perceptual distance."""
    locality_weight: float = 0.1
    """Of staying the same for other w around the pivot."""
    seed: int = 0

    def describe(self) -> dict[str, Any]:
        """As JSON, for files."""
        return asdict(self)


class PivotalTuner:
    """Tunes networks to pictures, one network for each."""

    def __init__(
        self,
        generator: Generator,
        distance: ImageDistance,
        statistics: WStatistics,
        settings: PivotalTuningSettings,
    ):
        self.generator, self.distance = generator, distance
        self.statistics, self.settings = statistics, settings
        self.keys = RandomKeys(settings.seed)

    def tune(
        self,
        codes: LatentCodes,
        target: Tensor,
        *,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Generator:
        """A copy of the network whose image of `codes` is closer to a picture.

        The mapping stays: the pivot lives in W.

        Args:
            codes: Of one image, the pivot; neither w nor noise move.
            target: The picture, `(C, H, W)`, -1..1.
            on_progress: Told how many steps are done, and of how many.
        """
        tuned = copy.deepcopy(self.generator).requires_grad_(False)
        assert isinstance(tuned.synthesis, nn.Module)
        weights = list(tuned.synthesis.requires_grad_(True).parameters())
        optimizer = torch.optim.Adam(weights, lr=self.settings.learning_rate)
        wanted = target[None].to(codes.ws)
        for step in range(self.settings.steps):
            optimizer.zero_grad(set_to_none=True)
            loss = self._image_loss(tuned.draw(codes.ws, codes.noise), wanted)
            if self.settings.locality_weight:
                loss = loss + self.settings.locality_weight * self._locality_loss(
                    tuned, codes, step
                )
            loss.backward()
            optimizer.step()
            on_progress(step + 1, self.settings.steps)
        return tuned.requires_grad_(False)

    def _image_loss(self, images: Tensor, target: Tensor) -> Tensor:
        pixels = F.mse_loss(images, target)
        return self.distance.distance(images, target).mean() + self.settings.pixel_weight * pixels

    def _locality_loss(self, tuned: Generator, codes: LatentCodes, step: int) -> Tensor:
        """How much the image of another w has changed, one near the pivot (Equations 4 and 5)."""
        ws = self._locality_ws(codes.ws, step)
        with torch.no_grad():
            before = self.generator.draw(ws, codes.noise)
        return self._image_loss(tuned.draw(ws, codes.noise), before)

    @torch.no_grad()
    def _locality_ws(self, pivot: Tensor, step: int) -> Tensor:
        """One spread of w away from the pivot `(1, num_ws, D)`, towards a random w."""
        config = self.generator.config
        z = self.keys.normal(config.mapping.z_dim, "z", step).to(pivot)[None]
        label = None
        if config.label_size:
            chosen = self.keys.number("label", step) % config.label_size
            label = F.one_hot(torch.tensor([chosen]), config.label_size).to(pivot)
        offset = self.generator.broadcast(self.generator.mapping(z, label)) - pivot
        length = torch.linalg.vector_norm(offset, dim=2, keepdim=True).clamp(min=1e-8)
        return pivot + offset * (self.statistics.sigma / length)


@dataclass(frozen=True)
class TunedFolder:
    """A network that was tuned to one picture."""

    path: Path

    @property
    def latent(self) -> Path:
        """The codes again, which belong to the tuned network."""
        return self.path / "latent.safetensors"

    @property
    def result(self) -> Path:
        """What they draw."""
        return self.path / "result.png"

    @property
    def summary(self) -> Path:
        """The numbers, written last."""
        return self.path / "result.json"

    def distance(self) -> float:
        """From the picture to what the tuned network makes of it.

        Raises:
            DataError: If the file is damaged.
        """
        try:
            return float(json.loads(self.summary.read_text(encoding="utf-8"))["distance"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.summary}: damaged ({error}); remove it") from None


def tune_projection(
    projected: ProjectionResult,
    tuner: PivotalTuner,
    pipeline: SamplingPipeline,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> TunedFolder:
    """Tune to a picture that was projected, and write a folder beside its results.

    A folder that is there already is taken as it is.

    Raises:
        OutputError: If that was made by other settings, or a file cannot be written.
    """
    folder = TunedFolder(projected.folder.path / "tuned")
    made_by = {"projection": projected.summary["made_by"], "tuning": tuner.settings.describe()}
    if folder.summary.is_file():
        _check_tuned(folder, made_by)
        return folder
    source = load_latents(projected.folder.latent, pipeline.config, model=pipeline.model_hash)
    codes = pipeline.codes([source])
    tuned = tuner.tune(codes, projected.target.image, on_progress=on_progress)
    target = projected.target.image[None].to(codes.ws)
    value = float(tuner.distance.distance(tuned.draw(codes.ws, codes.noise), target))
    summary = {"image": projected.target.source, "distance": value, "made_by": made_by}
    save_model(
        folder.path,
        tuned,
        card=tuned_card(projected.summary["made_by"]["model"]),
        about={"tuned": summary},
    )
    save_latents(folder.latent, codes, model=model_hash(tuned), settings=summary)
    pixels.save_image(
        draw_latent_file(folder.latent, SamplingPipeline(tuned, pipeline.settings)), folder.result
    )
    files.write_json(folder.summary, summary)
    return folder


def _check_tuned(folder: TunedFolder, made_by: dict[str, Any]) -> None:
    folder.distance()
    if json.loads(folder.summary.read_text(encoding="utf-8")).get("made_by") != made_by:
        raise OutputError(
            f"{folder.path}: was tuned by other settings. Use the same again, choose another "
            "folder, or add --force to start anew."
        )
