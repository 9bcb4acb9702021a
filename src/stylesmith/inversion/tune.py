"""Pivotal tuning: bend a copy of a network until the codes that were found draw a photograph.

Source: Roich et al. 2021, Pivotal Tuning for Latent-based Editing of Real Images, section 3; rate
and number of steps are those of its authors.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.inversion.w_statistics import WStatistics
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator
from stylesmith.perception.extractor import ImageDistance
from stylesmith.sampling import LatentCodes


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
