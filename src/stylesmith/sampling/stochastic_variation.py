"""Stochastic variation: what noise changes in an image, measured and drawn.

Source: StyleGAN, section 3.2, Figures 4 and 5.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith import images as pixels
from stylesmith.callbacks import ProgressCallback
from stylesmith.config import GeneratorConfig
from stylesmith.devices import to_float64
from stylesmith.errors import UsageError
from stylesmith.networks.latent_codes import LatentCodes, SeedOrLatent
from stylesmith.networks.layer_indices import LayerIndices
from stylesmith.networks.sampling_pipeline import NoiseSettings, SamplingPipeline
from stylesmith.sampling.image_files import ImageGrid, column_cells

CropBox = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class NoiseVariation:
    """Variation of the image of one latent over noise."""

    image: Tensor
    """The image with the noise that the settings choose, `(C, H, W)`."""
    samples: Tensor
    """The first four samples, `(4, C, H, W)`; fewer where fewer were drawn."""
    std: Tensor
    """Standard deviation of each pixel's gray value over all samples, `(H, W)`, 0..255."""


def draw_noise_variants(
    pipeline: SamplingPipeline, source: SeedOrLatent, draws: int
) -> Iterator[Tensor]:
    """Images `(n, C, H, W)` of one latent with fresh noise, `draws` in all.

    Image i gets the noise that belongs to seed i, on the layers that the settings choose.
    """
    codes = pipeline.codes([source])
    fresh = pipeline.with_noise(NoiseSettings("random", pipeline.settings.noise.layers))
    for start in range(0, draws, pipeline.batch_size):
        seeds = range(start, min(start + pipeline.batch_size, draws))
        ws = codes.ws.expand(len(seeds), -1, -1)
        yield fresh.draw(LatentCodes(ws, fresh.noise_maps(seeds)))


def measure_noise_variation(
    pipeline: SamplingPipeline,
    source: SeedOrLatent,
    draws: int = 100,
    *,
    on_progress: ProgressCallback | None = None,
) -> NoiseVariation:
    """Draw one latent many times with fresh noise.

    Raises:
        UsageError: If the network has no noise inputs.
    """
    check_has_noise(pipeline)
    examples: list[Tensor] = []

    def grays() -> Iterator[Tensor]:
        done = 0
        for images in draw_noise_variants(pipeline, source, draws):
            examples.extend(images[: 4 - len(examples)].cpu())
            done += len(images)
            if on_progress:
                on_progress(done, draws)
            yield gray_levels(images)

    std = pixel_std(grays()).cpu()
    image = pipeline.draw(pipeline.codes([source]))[0].cpu()
    return NoiseVariation(image, torch.stack(examples), std)


def gray_levels(images: Tensor) -> Tensor:
    """Mean of the color channels, `(N, H, W)`, 0..255; transparency is left out."""
    return (to_float64(images[:, :3]).mean(dim=1) + 1) * 127.5


def pixel_std(batches: Iterable[Tensor]) -> Tensor:
    """Standard deviation of each pixel over all images of all batches `(N, H, W)`.

    It divides by the number of images. Sums are kept about the first image, where rounding does not
    hurt.
    """
    batches = iter(batches)
    head = next(batches)
    count, total, squares = 0, torch.zeros_like(head[0]), torch.zeros_like(head[0])
    for batch in chain([head], batches):
        offset = batch - head[0]
        count += len(batch)
        total = offset.sum(dim=0) + total
        squares = offset.square().sum(dim=0) + squares
    return (squares / count - (total / count).square()).clamp(min=0).sqrt()


def most_varied_window(std: Tensor) -> CropBox:
    """The window, a quarter of each side, where noise changes most; `std` is `(H, W)`."""
    height, width = (max(1, side // 4) for side in std.shape)
    means = F.avg_pool2d(std[None, None].float(), (height, width), stride=1)[0, 0]
    top, left = divmod(int(means.argmax()), means.shape[1])
    return left, top, left + width, top + height


def check_has_noise(pipeline: SamplingPipeline) -> None:
    """Refuse networks on which noise has no effect.

    Raises:
        UsageError: If there are no noise inputs.
    """
    if not pipeline.config.noise_shapes:
        raise UsageError(
            "this network has no noise inputs; one that was trained with generator.noise=true does"
        )


STD_IMAGE_GAIN = 4
"""Factor of standard deviations in the published figure."""


def write_variation_figure(
    path: Path, variations: Iterable[NoiseVariation], *, rows: int, crop: CropBox | None = None
) -> None:
    """Write Figure 4: a row for each latent, with its image, crops of four samples and the std.

    Args:
        path: The figure.
        variations: One for each row.
        rows: How many.
        crop: The part that is shown of each sample; by default where it varies most.

    Raises:
        UsageError: If the crop lies outside the image, or the figure would be too large.
        OutputError: If it cannot be written.
    """
    tiles = (variation_images(variation, crop) for variation in variations)
    ImageGrid(path, rows, 3).write((3 * row, images) for row, images in enumerate(tiles))


def variation_images(variation: NoiseVariation, crop: CropBox | None = None) -> Tensor:
    """One row of Figure 4, `(3, C, H, W)`: the image, crops of four samples, the std."""
    window = crop or most_varied_window(variation.std)
    return torch.stack([variation.image, crop_grid(variation, window), std_image(variation)])


def crop_grid(variation: NoiseVariation, window: CropBox) -> Tensor:
    """The window of four samples, enlarged to one image `(C, H, W)`.

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
    """The std as an image `(C, H, W)`: black doesn't vary, white by 64 levels or more."""
    gray = (variation.std * STD_IMAGE_GAIN / 127.5 - 1).clamp(max=1).float()
    return gray_image(gray, len(variation.image))


def gray_image(plane: Tensor, channels: int) -> Tensor:
    """A plane `(H, W)` in -1..1 as an opaque image `(channels, H, W)`."""
    image = plane.repeat(channels, 1, 1)
    image[3:] = 1
    return image


def noise_layer_subsets(config: GeneratorConfig) -> dict[str, LayerIndices]:
    """Layers that get noise in the four columns of Figure 5: all, none, fine, coarse.

    Coarse is 4x4 to 32x32 and fine all beyond, as there; a network that ends at 32x32 or below is
    split in the middle.
    """
    count = config.num_layers()
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
    columns = [
        pipeline.with_noise(NoiseSettings(pipeline.settings.noise.mode, layers))
        for layers in noise_layer_subsets(pipeline.config).values()
    ]
    ImageGrid(path, len(sources), len(columns)).write(column_cells(columns, sources))
