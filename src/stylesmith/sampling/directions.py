"""Directions of editing in W or in the styles of one layer: found, stored, applied.

Found in the weights (Shen and Zhou 2021, SeFa), in samples of w (Härkönen et al. 2020, GANSpace),
from a linear classifier (Shen et al. 2020, InterFaceGAN) or as one style channel (Wu et al. 2021,
StyleSpace). All have unit length; strength 1 is one standard deviation of 10,000 w along them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from stylesmith.choices import check_choices
from stylesmith.config import GeneratorConfig
from stylesmith.devices import to_float64
from stylesmith.errors import DataError, UsageError
from stylesmith.networks import Generator
from stylesmith.networks.latent_codes import LatentCodes
from stylesmith.networks.layer_indices import (
    LayerIndices,
    check_layers,
    format_layers,
    ws_rows,
)
from stylesmith.networks.sampling_pipeline import SamplingPipeline
from stylesmith.sampling.array_files import read_array
from stylesmith.sampling.latent_files import check_model_hash
from stylesmith.sampling.style_affines import find_affine, stacked_affine_weights
from stylesmith.tensor_file import read_tensor_file, write_tensor_file

DirectionOrigin = Literal["weights", "samples", "boundary", "channel"]
"""Closed-form factorization, PCA of W, a linear classifier, or a single style channel."""


@check_choices
@dataclass(frozen=True)
class Direction:
    """One direction of one generator."""

    name: str
    vector: Tensor
    """Unit length: `(D,)` in W, or `(channels,)` in the styles that `affine` names."""
    unit: float
    """Length of strength 1: the standard deviation of w or style along the vector, as found."""
    layers: LayerIndices
    """The layers whose w or style moves."""
    origin: DirectionOrigin
    model: str
    """Hash of the generator."""
    affine: str | None = None
    """The affine map whose styles move; None moves w."""

    def apply(self, codes: LatentCodes, strengths: Tensor, config: GeneratorConfig) -> LatentCodes:
        """Codes moved: of one image, or of as many as there are `strengths`, `(N,)`.

        A direction of w moves w, one of styles adds to the offsets of its affine map.
        """
        if self.affine is not None:
            offset = (strengths * self.unit)[:, None] * self.vector.to(strengths)
            return codes.expand(len(strengths)).with_style_offset(self.affine, offset)
        step = (strengths * self.unit).to(codes.ws)[:, None] * self.vector.to(codes.ws)  # (N, D)
        return codes.with_ws_rows(codes.ws + step[:, None], ws_rows(self.layers, config))

    def with_layers(self, layers: LayerIndices) -> "Direction":
        """The same direction, on other layers.

        Raises:
            UsageError: If it belongs to the styles of one layer.
        """
        if self.affine is not None:
            raise UsageError(f"{self.name}: moves a style of layer {self.affine}, and no other")
        return replace(self, layers=layers)


def save_direction(path: Path, direction: Direction) -> None:
    """Write a direction file.

    Raises:
        OutputError: If the file cannot be written.
    """
    names = ("name", "unit", "layers", "origin", "model", "affine")
    header = {name: getattr(direction, name) for name in names}
    write_tensor_file(path, {"vector": direction.vector.float()}, header, kind="direction")


def read_direction(path: Path, generator: Generator, *, model: str) -> Direction:
    """Read a direction file for a generator, whose hash is `model`.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    tensors, header = read_tensor_file(path, kind="direction", error=DataError)
    check_model_hash(path, str(header.get("model")), model)
    try:
        vector, affine = tensors["vector"], header["affine"]
        layers = tuple(int(layer) for layer in header["layers"])
        unit, origin = float(header["unit"]), header["origin"]
        direction = Direction(str(header["name"]), vector, unit, layers, origin, model, affine)
        check_layers(layers, generator.config)
        length = generator.config.w_dim
        if affine is not None:
            length = find_affine(generator, affine).channels
    except (KeyError, TypeError, ValueError, OverflowError, UsageError) as error:
        raise DataError(f"{path}: damaged: {error}.") from None
    if vector.shape != (length,):
        found = tuple(vector.shape)
        raise DataError(f"{path}: damaged: its vector is {found}, wanted ({length},).")
    return direction


def orthogonalize(
    direction: Direction, others: Sequence[Direction], ws: Tensor | None = None
) -> Direction:
    """A direction that leaves others unchanged: orthogonal to all of them.

    Moving along it changes no reading of the linear classifiers behind `others` (the conditional
    manipulation of Shen et al. 2020, InterFaceGAN, section 2.3, for any number of conditions).

    Args:
        direction: The one to move along.
        others: Those that should stay.
        ws: Samples of w, `(N, D)`. W is much wider in some directions than in others. With samples,
            the result is the shortest of all directions that leave the others unchanged, in
            standard deviations of w, and a strength of 1 is one of them; without, it is the part of
            the vector that is orthogonal to the others, and strengths make the step that they made
            before, less the rest.

    Raises:
        UsageError: If nothing is left, or directions live in different spaces.
    """
    if any(other.affine != direction.affine for other in others):
        raise UsageError(f"{direction.name}: only directions of one space can be told apart")
    if not others:
        return direction
    vector = direction.vector.double()
    basis = _orthonormal_basis([other.vector.double() for other in others])
    names = [other.name for other in others]
    if float((vector - basis @ (basis.T @ vector)).norm()) < 1e-4:
        raise UsageError(f"{direction.name}: nothing is left of it without {', '.join(names)}")
    spread = torch.eye(len(vector)).double() if ws is None else torch.cov(ws.cpu().double().T)
    # Of all v with others' readings 0 and this one's 1: the least v' spread^-1 v (Lagrange).
    share = torch.linalg.solve(basis.T @ spread @ basis, basis.T @ spread @ vector)
    rest = spread @ (vector - basis @ share)
    length = float(rest.norm())
    rest = rest / length
    unit = direction.unit * length if ws is None else float((rest @ spread @ rest).sqrt())
    name = "_without_".join([direction.name, *names])
    return replace(direction, name=name, vector=rest.float(), unit=unit)


def _orthonormal_basis(vectors: Sequence[Tensor]) -> Tensor:
    """An orthonormal basis `(D, K)` of the space of some vectors `(D,)`."""
    basis, values, _ = torch.linalg.svd(torch.stack(list(vectors), dim=1), full_matrices=False)
    return basis[:, values > 1e-6 * values[0]]


BOUNDARY_ARRAY_NAMES = ("coef", "coef_", "normal", "boundary")
"""Arrays of an .npz that can be the weights; the first that is there counts."""


def read_boundary(path: Path) -> Tensor:
    """Weights `(D,)` or `(1, D)` from a .npy file, or from an .npz that calls them `coef`.

    Nothing in the file is run.

    Raises:
        DataError: If the file is missing, damaged, or holds no numbers by such a name.
    """
    _, array = read_array(path, BOUNDARY_ARRAY_NAMES)
    return torch.from_numpy(np.asarray(array, dtype=np.float64))


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
    weights = stacked_affine_weights(pipeline.generator, _layers_or_all(pipeline, layers))
    vectors = right_singular_vectors(weights)[:count]
    return _numbered_directions(pipeline, "weights", vectors, layers)


def pca_directions(
    pipeline: SamplingPipeline, *, layers: LayerIndices | None = None, count: int = 10
) -> list[Direction]:
    """Principal components of 10,000 w, the widest first (Härkönen et al. 2020, GANSpace)."""
    vectors = principal_components(pipeline.w_samples)[:count]
    return _numbered_directions(pipeline, "samples", vectors, layers)


def boundary_direction(
    pipeline: SamplingPipeline, normal: Tensor, *, name: str, layers: LayerIndices | None = None
) -> Direction:
    """The normal of the boundary of a linear classifier of w.

    Moving along it changes the classifier's reading fastest (Shen et al. 2020, InterFaceGAN).

    Args:
        pipeline: The generator.
        normal: Weights of the classifier, `(D,)` or `(1, D)`, which point towards the attribute.
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
        channels = f"0-{found.channels - 1}"
        raise UsageError(f"channel {channel}: layer {affine} has the channels {channels}")
    vector = torch.zeros(found.channels)
    vector[channel] = 1
    along = to_float64(pipeline.w_samples) @ to_float64(found.weight[channel])
    name, model, unit = f"channel-{affine}-{channel}", pipeline.model_hash, float(along.std())
    return Direction(name, vector, unit, (found.layer,), "channel", model, affine)


def right_singular_vectors(weights: Tensor) -> Tensor:
    """Right singular vectors of a matrix `(M, D)` as rows `(D, D)`, the largest value first."""
    rows = to_float64(weights)
    _, vectors = torch.linalg.eigh(rows.T @ rows)
    return _fix_signs(vectors.flip(1).T)


def principal_components(points: Tensor) -> Tensor:
    """Directions of largest variance of points `(N, D)`, as rows `(D, D)`, the widest first."""
    rows = to_float64(points)
    return right_singular_vectors(rows - rows.mean(dim=0))


def _fix_signs(rows: Tensor) -> Tensor:
    """Rows whose largest number is positive; a direction and its opposite are equally good."""
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return rows * largest.sign()


def _numbered_directions(
    pipeline: SamplingPipeline,
    origin: DirectionOrigin,
    vectors: Tensor,
    layers: LayerIndices | None,
) -> list[Direction]:
    label = "all" if layers is None else format_layers(layers).replace(",", "+")
    return [
        _scaled_direction(pipeline, f"{origin}-{label}-{number:02d}", vector, origin, layers)
        for number, vector in enumerate(vectors, 1)
    ]


def _scaled_direction(
    pipeline: SamplingPipeline,
    name: str,
    vector: Tensor,
    origin: DirectionOrigin,
    layers: LayerIndices | None,
) -> Direction:
    w = to_float64(pipeline.w_samples)
    unit = float((w @ vector.to(w)).std())
    chosen = _layers_or_all(pipeline, layers)
    return Direction(name, vector.float().cpu(), unit, chosen, origin, pipeline.model_hash)


def _layers_or_all(pipeline: SamplingPipeline, layers: LayerIndices | None) -> LayerIndices:
    """The given layers, or all that are trained: a growing network has some that aren't yet."""
    count = pipeline.config.num_layers(pipeline.generator.top_level)
    return tuple(range(count)) if layers is None else layers
