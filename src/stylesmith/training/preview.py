"""What a run shows of itself: grids of samples, and how far they are from the data at a glance.

Two numbers that need no feature network: the distance of color moments, and diversity. They do not
rank good models; they tell soon whether samples have the data's colors and are not all alike.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images
from stylesmith.config import RunConfig
from stylesmith.data.dataset import Dataset
from stylesmith.data.sampler import Sampler
from stylesmith.latents import RandomKeys
from stylesmith.networks import Generator

MOMENT_IMAGES = 256
"""Real images that stand for the data."""


@dataclass(frozen=True)
class Preview:
    """Draws the run's grid, always from the same seeds, and compares it with real images."""

    config: RunConfig
    reals: Tensor
    """Real images in -1..1, `(N, C, H, W)`."""

    @classmethod
    def from_dataset(cls, config: RunConfig, dataset: Dataset) -> "Preview":
        """Take real images in the order of an epoch of their own, the same in every session."""
        sampler = Sampler(len(dataset), RandomKeys(config.training.seed, branch=-1))
        count = min(len(dataset), max(config.output.grid_images, MOMENT_IMAGES))
        rows = [torch.from_numpy(dataset.pixels(sampler.index(i))) for i in range(count)]
        return cls(config, images.from_uint8(torch.stack(rows)))

    def real_grid(self) -> Tensor:
        """As many real images as the sample grid has, as one picture."""
        return images.make_grid(self.reals[: self.config.output.grid_images])

    def samples(self, generator: Generator) -> Tensor:
        """The grid's images, `(N, C, H, W)` on the CPU; classes take turns."""
        count, classes = self.config.output.grid_images, self.config.generator.label_size
        precision = self.config.training.precision
        if not classes:
            return generator.sample(range(count), precision=precision).cpu()
        rows = [
            generator.sample([seed], label=seed % classes, precision=precision)
            for seed in range(count)
        ]
        return torch.cat(rows).cpu()

    def compare_with_reals(self, samples: Tensor) -> dict[str, float]:
        """Color distance to the real images, and diversity relative to theirs.

        Samples of a level below the top are compared with real images reduced to it.
        """
        factor = self.reals.shape[-1] // samples.shape[-1]
        reals = F.avg_pool2d(self.reals, factor) if factor > 1 else self.reals
        return {
            "color_distance": float((color_moments(samples) - color_moments(reals)).norm()),
            "diversity": float(
                mean_pairwise_distance(samples) / mean_pairwise_distance(reals).clamp(min=1e-8)
            ),
        }

    def repeat_to_full_size(self, samples: Tensor) -> Tensor:
        """Samples with their pixels repeated up to the data's size, so that all grids are alike."""
        factor = self.reals.shape[-1] // samples.shape[-1]
        return F.interpolate(samples, scale_factor=factor) if factor > 1 else samples


def color_moments(batch: Tensor) -> Tensor:
    """Mean and standard deviation of each channel over all pixels, `(2 * C,)`."""
    channels = batch.movedim(1, 0).flatten(1)
    return torch.cat([channels.mean(dim=1), channels.std(dim=1)])


def mean_pairwise_distance(batch: Tensor) -> Tensor:
    """Mean distance between two images of a batch, seen at 8x8 pixels (a scalar)."""
    small = F.adaptive_avg_pool2d(batch, 8).flatten(1)
    distances = torch.cdist(small, small)
    return distances.sum() / max(1, len(batch) * (len(batch) - 1))
