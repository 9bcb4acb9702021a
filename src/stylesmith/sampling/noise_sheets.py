"""The figures of what noise does to a picture (StyleGAN, section 3.2, Figures 4 and 5)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.sampling.layers import Layers, count_layers
from stylesmith.sampling.painter import Painter
from stylesmith.sampling.settings import NoiseChoice
from stylesmith.sampling.sheet import Sheet
from stylesmith.sampling.sources import Source
from stylesmith.sampling.variation import Crop, Variation, check_noise, most_varied

BRIGHTER = 4
"""What the published figure multiplies standard deviations by."""


def variation_sheet(
    path: Path, variations: Iterable[Variation], *, rows: int, crop: Crop | None = None
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
    sheet = Sheet(path, rows, 3)
    for row, variation in enumerate(variations):
        window = crop or most_varied(variation.std)
        tiles = [variation.image, crops(variation, window), deviation_image(variation)]
        sheet.paste(torch.stack(tiles), row * sheet.columns)
    sheet.save()


def crops(variation: Variation, window: Crop) -> Tensor:
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


def deviation_image(variation: Variation) -> Tensor:
    """The deviation as a picture `(C, H, W)`: black doesn't vary, white by 64 levels or more."""
    channels = len(variation.image)
    gray = (variation.std * BRIGHTER / 127.5 - 1).clamp(max=1).float()
    image = gray.expand(channels, -1, -1).clone()
    image[3:] = 1  # opaque
    return image


def component_layers(config: GeneratorConfig) -> dict[str, Layers]:
    """Layers that get noise in the four columns of Figure 5: all, none, fine, coarse.

    Coarse is 4x4 to 32x32 and fine all beyond, as there; a network that ends at 32x32 or below is
    split in the middle.
    """
    count = count_layers(config)
    split = 8 if count > 8 else count // 2
    every = tuple(range(count))
    return {"all": every, "none": (), "fine": every[split:], "coarse": every[:split]}


def components_sheet(pipeline: Painter, sources: Sequence[Source], path: Path) -> None:
    """Write Figure 5: a row for each latent; noise on all, no, fine and coarse layers.

    Raises:
        UsageError: If the network has no noise inputs, or the figure would be too large.
        OutputError: If it cannot be written.
    """
    check_noise(pipeline)
    choices = component_layers(pipeline.config).values()
    sheet = Sheet(path, len(sources), len(choices))
    for column, layers in enumerate(choices):
        chosen = pipeline.with_noise(NoiseChoice(pipeline.settings.noise.mode, layers))
        for row, source in enumerate(sources):
            sheet.paste(chosen.draw(chosen.codes([source])), row * sheet.columns + column)
    sheet.save()
