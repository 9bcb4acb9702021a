"""How a picture varies with its noise, measured over many draws (StyleGAN, section 3.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.sampling.codes import LatentCodes
from stylesmith.sampling.draw import DEFAULT_BATCH_SIZE, ProgressCallback
from stylesmith.sampling.painter import SamplingPipeline
from stylesmith.sampling.settings import NoiseSettings
from stylesmith.sampling.sources import SeedOrLatent

CropBox = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class NoiseVariation:
    """How one latent varies over draws of noise."""

    image: Tensor
    """With the noise that the settings choose, `(C, H, W)`."""
    samples: Tensor
    """The first four draws, `(4, C, H, W)`; fewer where fewer were drawn."""
    std: Tensor
    """Standard deviation of each pixel's gray value over all draws, `(H, W)`, in levels of 255."""


def draw_noise_variants(
    pipeline: SamplingPipeline,
    source: SeedOrLatent,
    draws: int,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> Iterator[Tensor]:
    """Images `(n, C, H, W)` of one latent with fresh noise, `draws` in all.

    Draw i gets the noise that belongs to seed i, on the layers that the settings choose.
    """
    codes = pipeline.codes([source])
    fresh = pipeline.with_noise(NoiseSettings("random", pipeline.settings.noise.layers))
    for start in range(0, draws, batch_size):
        seeds = range(start, min(start + batch_size, draws))
        styles = codes.expand(len(seeds)).ws
        yield fresh.draw(LatentCodes(styles, fresh.noise_maps(seeds)))


def measure_noise_variation(
    pipeline: SamplingPipeline,
    source: SeedOrLatent,
    draws: int = 100,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
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
        for images in draw_noise_variants(pipeline, source, draws, batch_size=batch_size):
            examples.extend(images[: 4 - len(examples)].cpu())
            done += len(images)
            if on_progress:
                on_progress(done, draws)
            yield gray_levels(images)

    deviation = pixel_std(grays())
    image = pipeline.draw(pipeline.codes([source]))[0].cpu()
    return NoiseVariation(image, torch.stack(examples), deviation.cpu())


def gray_levels(images: Tensor) -> Tensor:
    """Mean of the color channels, `(N, H, W)`, 0..255; transparency is left out."""
    return (images[:, :3].double().mean(dim=1) + 1) * 127.5


def pixel_std(batches: Iterable[Tensor]) -> Tensor:
    """Of each pixel over all images of all batches `(N, H, W)`, dividing by their number.

    Sums are kept about the first image, where rounding does not hurt.
    """
    count, first, total, squares = 0, None, None, None
    for batch in batches:
        first = batch[0] if first is None else first
        offset = batch - first
        count += len(batch)
        total = offset.sum(dim=0) + (0 if total is None else total)
        squares = offset.square().sum(dim=0) + (0 if squares is None else squares)
    assert total is not None and squares is not None
    return (squares / count - (total / count).square()).clamp(min=0).sqrt()


def most_varied_window(std: Tensor) -> CropBox:
    """The window, a quarter of each side, where noise changes most; `deviation` is `(H, W)`."""
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
