"""Finding directions: from weights, from samples, from a linear classifier, or one style channel.

All have unit length and a unit: strength 1 is one standard deviation of 10,000 w along them.
"""

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.sampling.affines import find_affine, stacked_affine_weights
from stylesmith.sampling.direction import Direction, DirectionOrigin
from stylesmith.sampling.layers import LayerIndices, count_layers, format_layers
from stylesmith.sampling.painter import SamplingPipeline


def sefa_directions(
    pipeline: SamplingPipeline, *, layers: LayerIndices | None = None, count: int = 10
) -> list[Direction]:
    """Directions of w that change the styles of some layers most, the strongest first.

    They are the right singular vectors of the layers' affine maps: among unit vectors, the first
    moves the styles farthest, the next does so among those orthogonal to it (Shen and Zhou 2021,
    SeFa, section 3.2). Nothing is sampled to find them.

    Raises:
        UsageError: If the network has no styles there.
    """
    chosen = _layers_or_all(pipeline, layers)
    return _numbered_directions(
        pipeline,
        "weights",
        right_singular_vectors(stacked_affine_weights(pipeline.generator, chosen)),
        layers,
        count,
    )


def pca_directions(
    pipeline: SamplingPipeline, *, layers: LayerIndices | None = None, count: int = 10
) -> list[Direction]:
    """Principal components of 10,000 w, the widest first (Härkönen et al. 2020, GANSpace)."""
    return _numbered_directions(
        pipeline, "samples", principal_components(pipeline.w_samples), layers, count
    )


def boundary_direction(
    pipeline: SamplingPipeline, normal: Tensor, *, name: str, layers: LayerIndices | None = None
) -> Direction:
    """The way straight across the boundary of a linear classifier of w.

    Moving along it changes the classifier's reading fastest (Shen et al. 2020, InterFaceGAN).

    Args:
        pipeline: The generator.
        normal: Weights of the classifier, `(D,)` or `(1, D)`; the side with the attribute is where
            they point.
        name: Of the attribute.
        layers: The layers to move; None is all.

    Raises:
        UsageError: If there are not as many weights as numbers in w, or all are zero.
    """
    vector = normal.detach().double().reshape(-1)
    size = pipeline.config.w_dim
    if len(vector) != size or not torch.isfinite(vector).all() or not vector.norm() > 0:
        raise UsageError(
            f"{name}: a boundary of this network has {size} weights, finite and not all zero; got "
            f"{tuple(normal.shape)}"
        )
    return _scaled_direction(pipeline, name, vector / vector.norm(), "boundary", layers)


def channel_direction(pipeline: SamplingPipeline, affine: str, channel: int) -> Direction:
    """A single channel of the styles of one layer (Wu et al. 2021, StyleSpace).

    Args:
        pipeline: The generator.
        affine: Its layer: `5`, or `rgb5` for toRGB.
        channel: Counted from 0; AdaIN has all scales first, then all shifts.

    Raises:
        UsageError: If there is no such layer or channel.
    """
    found = find_affine(pipeline.generator, affine)
    if not 0 <= channel < found.channels:
        raise UsageError(
            f"channel {channel}: layer {affine} has the channels 0-{found.channels - 1}"
        )
    vector = torch.zeros(found.channels)
    vector[channel] = 1
    along = pipeline.w_samples.double() @ found.weight[channel].double()
    name, model = f"channel-{affine}-{channel}", pipeline.model_hash
    unit, layers = float(along.std()), (found.layer,)
    return Direction(name, vector, unit, layers, "channel", model, affine=affine)


def right_singular_vectors(weights: Tensor) -> Tensor:
    """Right singular vectors of a matrix `(M, D)` as rows `(D, D)`, the largest value first."""
    _, vectors = torch.linalg.eigh(weights.double().T @ weights.double())
    return _fix_signs(vectors.flip(1).T)


def principal_components(points: Tensor) -> Tensor:
    """Directions of largest variance of points `(N, D)`, as rows `(D, D)`, the widest first."""
    return right_singular_vectors(points.double() - points.double().mean(dim=0))


def _fix_signs(rows: Tensor) -> Tensor:
    """Rows turned so that the largest number of each is positive; either sign is as good."""
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return rows * largest.sign()


def _numbered_directions(
    pipeline: SamplingPipeline,
    origin: DirectionOrigin,
    vectors: Tensor,
    layers: LayerIndices | None,
    count: int,
) -> list[Direction]:
    label = "all" if layers is None else format_layers(layers).replace(",", "+")
    return [
        _scaled_direction(pipeline, f"{origin}-{label}-{number:02d}", vector, origin, layers)
        for number, vector in enumerate(vectors[:count], 1)
    ]


def _scaled_direction(
    pipeline: SamplingPipeline,
    name: str,
    vector: Tensor,
    origin: DirectionOrigin,
    layers: LayerIndices | None,
) -> Direction:
    w = pipeline.w_samples.double()
    unit = float((w @ vector.to(w)).std())
    chosen = _layers_or_all(pipeline, layers)
    return Direction(name, vector.float().cpu(), unit, chosen, origin, pipeline.model_hash)


def _layers_or_all(pipeline: SamplingPipeline, layers: LayerIndices | None) -> LayerIndices:
    """Those asked for, or all that are in use: a growing network has some that aren't trained."""
    growth = pipeline.generator.growth
    count = 2 * (growth.level + 1) if growth else count_layers(pipeline.config)
    return tuple(range(count)) if layers is None else layers
