"""The figures of what noise does to a picture (StyleGAN, section 3.2, Figures 4 and 5)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.sampling.layers import LayerIndices, count_layers
from stylesmith.sampling.painter import SamplingPipeline
from stylesmith.sampling.settings import NoiseSettings
from stylesmith.sampling.sheet import ImageGrid
from stylesmith.sampling.sources import SeedOrLatent
from stylesmith.sampling.variation import (
    CropBox,
    NoiseVariation,
    check_has_noise,
    most_varied_window,
)

STD_IMAGE_GAIN = 4
"""What the published figure multiplies standard deviations by."""


def write_variation_figure(
    path: Path, variations: Iterable[NoiseVariation], *, rows: int, crop: CropBox | None = None
) -> None:
    """Write Figure 4: a row for each latent, with its image, crops of four draws and the deviation.

    Args:
        path: The figure.
        variations: One for each row.
        rows: How many.
        crop: The part that is shown of each draw; by default where it varies most.

    Raises:
        UsageError: If the crop lies outside the image, or the figure would be too large.
        OutputError: If it cannot be written.
    """
    sheet = ImageGrid(path, rows, 3)
    for row, variation in enumerate(variations):
        window = crop or most_varied_window(variation.std)
        tiles = [variation.image, crop_grid(variation, window), std_image(variation)]
        sheet.paste(torch.stack(tiles), row * sheet.columns)
    sheet.save()


def crop_grid(variation: NoiseVariation, window: CropBox) -> Tensor:
    """The window of four draws, enlarged to one picture `(C, H, W)`.

    Raises:
        UsageError: If the window lies outside the image.
    """
    left, top, right, bottom = window
    height, width = variation.image.shape[-2:]
    if right > width or bottom > height:
        raise UsageError(f"crop {left},{top},{right},{bottom}: images are {width}x{height}")
    parts = variation.samples[..., top:bottom, left:right]
    parts = parts[torch.arange(4) % len(parts)]
    parts = F.interpolate(parts, (height // 2, width // 2), mode="nearest-exact")
    grid = pixels.make_grid(parts, columns=2)
    return F.interpolate(grid[None], (height, width), mode="nearest-exact")[0]


def std_image(variation: NoiseVariation) -> Tensor:
    """The deviation as a picture `(C, H, W)`: black doesn't vary, white by 64 levels or more."""
    channels = len(variation.image)
    gray = (variation.std * STD_IMAGE_GAIN / 127.5 - 1).clamp(max=1).float()
    image = gray.expand(channels, -1, -1).clone()
    image[3:] = 1  # opaque
    return image


def noise_layer_subsets(config: GeneratorConfig) -> dict[str, LayerIndices]:
    """Layers that get noise in the four columns of Figure 5: all, none, fine, coarse.

    Coarse is 4x4 to 32x32 and fine all beyond, as there; a network that ends at 32x32 or below is
    split in the middle.
    """
    count = count_layers(config)
    split = 8 if count > 8 else count // 2
    every = tuple(range(count))
    return {"all": every, "none": (), "fine": every[split:], "coarse": every[:split]}


def write_noise_layers_figure(
    pipeline: SamplingPipeline, sources: Sequence[SeedOrLatent], path: Path
) -> None:
    """Write Figure 5: a row for each latent; noise on all, no, fine and coarse layers.

    Raises:
        UsageError: If the network has no noise inputs, or the figure would be too large.
        OutputError: If it cannot be written.
    """
    check_has_noise(pipeline)
    choices = noise_layer_subsets(pipeline.config).values()
    sheet = ImageGrid(path, len(sources), len(choices))
    for column, layers in enumerate(choices):
        chosen = pipeline.with_noise(NoiseSettings(pipeline.settings.noise.mode, layers))
        for row, source in enumerate(sources):
            sheet.paste(chosen.draw(chosen.codes([source])), row * sheet.columns + column)
    sheet.save()
