"""Pivotal tuning: a copy of a generator, tuned so that given latent codes draw a given image.

Source: Roich et al. 2021, Pivotal Tuning for Latent-based Editing of Real Images, section 3.
"""

import copy
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import files
from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.devices import dtype_name
from stylesmith.errors import OutputError
from stylesmith.inversion.latent_optimizer import LatentOptimizer
from stylesmith.inversion.projector import ProjectionResult, draw_latent_file
from stylesmith.latents import RandomKeys
from stylesmith.models import save_model
from stylesmith.models.model_card import tuned_card
from stylesmith.networks import Generator
from stylesmith.networks.build import model_hash
from stylesmith.sampling import LatentCodes, SamplingPipeline, read_latent_file, write_latent_file


@dataclass(frozen=True)
class PivotalTuningSettings:
    """Settings of pivotal tuning."""

    steps: int = 350
    learning_rate: float = 3e-4
    pixel_weight: float = 1.0
    """Weight of the mean squared difference of pixels, beside the perceptual distance."""
    locality_weight: float = 0.1
    """Weight of changes to the images of other w around the pivot."""
    seed: int = 0

    def describe(self) -> dict[str, Any]:
        """As JSON, for files."""
        return asdict(self)


class PivotalTuner:
    """Tunes copies of the generator of a projection to images, one copy for each."""

    def __init__(self, projection: LatentOptimizer, settings: PivotalTuningSettings):
        self.generator, self.distance = projection.generator, projection.distance
        self.sigma, self.settings = projection.statistics.sigma, settings
        self.keys = RandomKeys(settings.seed)

    def tune(
        self,
        codes: LatentCodes,
        target: Tensor,
        *,
        on_progress: ProgressCallback = lambda done, total: None,
    ) -> Generator:
        """A copy of the generator whose image of `codes` is closer to a target.

        The mapping stays: the pivot lives in W.

        Args:
            codes: Of one image, the pivot; neither w nor noise move.
            target: The image, `(C, H, W)`, -1..1.
            on_progress: Called with the steps done, and their number.
        """
        tuned = copy.deepcopy(self.generator).requires_grad_(False)
        weights = list(tuned.synthesis.requires_grad_(True).parameters())
        optimizer = torch.optim.Adam(weights, lr=self.settings.learning_rate)
        target = target[None].to(codes.ws)
        for step in range(self.settings.steps):
            optimizer.zero_grad(set_to_none=True)
            loss = self._image_loss(tuned.draw(codes.ws, codes.noise), target)
            if weight := self.settings.locality_weight:
                loss = loss + weight * self._locality_loss(tuned, codes, step)
            loss.backward()
            optimizer.step()
            on_progress(step + 1, self.settings.steps)
        return tuned.requires_grad_(False)

    def _image_loss(self, images: Tensor, target: Tensor) -> Tensor:
        mse = F.mse_loss(images, target)
        return self.distance.distance(images, target).mean() + self.settings.pixel_weight * mse

    def _locality_loss(self, tuned: Generator, codes: LatentCodes, step: int) -> Tensor:
        """Change of the image of another w, one near the pivot (Equations 4 and 5)."""
        ws = self._locality_ws(codes.ws, step)
        with torch.no_grad():
            before = self.generator.draw(ws, codes.noise)
        return self._image_loss(tuned.draw(ws, codes.noise), before)

    @torch.no_grad()
    def _locality_ws(self, pivot: Tensor, step: int) -> Tensor:
        """The w at distance sigma from the pivot `(1, num_ws, D)`, towards a random w."""
        config = self.generator.config
        z = self.keys.normal(config.mapping.z_dim, "z", step).to(pivot)[None]
        label = None
        if config.label_size:
            chosen = self.keys.number("label", step) % config.label_size
            label = F.one_hot(torch.tensor([chosen]), config.label_size).to(pivot)
        offset = self.generator.broadcast(self.generator.mapping(z, label)) - pivot
        length = torch.linalg.vector_norm(offset, dim=2, keepdim=True).clamp(min=1e-8)
        return pivot + offset * (self.sigma / length)


def tune_projection(
    projected: ProjectionResult,
    tuner: PivotalTuner,
    pipeline: SamplingPipeline,
    *,
    on_progress: ProgressCallback = lambda done, total: None,
) -> ProjectionResult:
    """Tune to an image that was projected, and write a folder beside its results.

    A folder that is there already is taken as it is.

    Raises:
        OutputError: If that was made by other settings, or a file cannot be written.
        DataError: If its summary is damaged.
    """
    target, folder = projected.target, projected.folder.tuned
    made_by = {"projection": projected.summary["made_by"], "tuning": tuner.settings.describe()}
    if (summary := folder.read_summary()) is not None:
        if summary.get("made_by") != made_by:
            raise OutputError(
                f"{folder.path}: was tuned by other settings. Use the same again, choose another "
                "folder, or add --force to start anew."
            )
        return ProjectionResult(target, folder, summary)
    source = read_latent_file(projected.folder.latent, pipeline.config, model=pipeline.model_hash)
    codes = pipeline.codes([source])
    tuned = tuner.tune(codes, target.image, on_progress=on_progress)
    drawn = tuned.draw(codes.ws, codes.noise)
    distance = float(tuner.distance.distance(drawn, target.image[None].to(codes.ws)))
    summary = {
        "image": target.source,
        "distance": distance,
        "dtype": dtype_name(pipeline.precision),
        "made_by": made_by,
    }
    save_model(
        folder.path,
        tuned,
        card=tuned_card(projected.summary["made_by"]["model"]),
        about={"tuned": summary},
    )
    write_latent_file(folder.latent, codes, model=model_hash(tuned), settings=summary)
    pixels.save_image(
        draw_latent_file(folder.latent, SamplingPipeline(tuned, pipeline.settings)), folder.result
    )
    files.write_json(folder.summary, summary)
    return ProjectionResult(target, folder, summary)
