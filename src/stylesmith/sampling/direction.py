"""Directions of editing: which way to go, in W or in the styles of a layer, and how far is far."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from stylesmith.config import GeneratorConfig
from stylesmith.errors import DataError, UsageError
from stylesmith.networks import Generator
from stylesmith.sampling.affines import find_affine, shifted_styles
from stylesmith.sampling.codes import LatentCodes
from stylesmith.sampling.layers import LayerIndices, check_layers, ws_rows
from stylesmith.sampling.sources import check_model_hash
from stylesmith.sampling.tensor_file import read_tensor_file, write_tensor_file

DirectionOrigin = Literal["weights", "samples", "boundary", "channel"]
"""Closed-form factorization, PCA of W, a linear classifier, or a single style channel."""


@dataclass(frozen=True)
class Direction:
    """One direction of one generator."""

    name: str
    vector: Tensor
    """Unit length: `(D,)` in W, or `(channels,)` in the styles that `affine` names."""
    unit: float
    """Length of strength 1: where found, the standard deviation of w or style along the vector."""
    layers: LayerIndices
    """The layers that move."""
    origin: DirectionOrigin
    model: str
    """Hash of the generator."""
    affine: str | None = None
    """The affine map whose styles move; None moves w."""

    def apply(self, codes: LatentCodes, strengths: Tensor, config: GeneratorConfig) -> LatentCodes:
        """Codes with w moved: of one image, or of as many as there are `strengths`, `(N,)`."""
        if self.affine is not None:
            return codes if len(codes) == len(strengths) else codes.expand(len(strengths))
        step = (strengths * self.unit).to(codes.ws)[:, None] * self.vector.to(codes.ws)  # (N, D)
        return codes.with_ws_rows(codes.ws + step[:, None], ws_rows(self.layers, config))

    @contextmanager
    def shifting_styles(self, generator: Generator, strengths: Tensor) -> Iterator[None]:
        """While this lasts, styles move by `strengths`, `(N,)`, where the direction is in them."""
        if self.affine is None:
            yield
            return
        shift = (strengths * self.unit)[:, None] * self.vector.to(strengths)
        with shifted_styles(find_affine(generator, self.affine), shift):
            yield

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
    header = {
        "name": direction.name,
        "unit": direction.unit,
        "layers": list(direction.layers),
        "origin": direction.origin,
        "model": direction.model,
        "affine": direction.affine,
    }
    write_tensor_file(path, {"vector": direction.vector.float()}, header, kind="direction")


def read_direction(path: Path, generator: Generator, *, model: str) -> Direction:
    """Read a direction file for a generator, whose hash is `model`.

    Raises:
        DataError: If the file is missing, damaged, or belongs to another generator.
    """
    tensors, header = read_tensor_file(path, kind="direction")
    check_model_hash(path, str(header.get("model")), model)
    try:
        direction = Direction(
            name=str(header["name"]),
            vector=tensors["vector"],
            unit=float(header["unit"]),
            layers=tuple(int(layer) for layer in header["layers"]),
            origin=header["origin"],
            model=model,
            affine=header["affine"],
        )
        check_layers(direction.layers, generator.config)
        length = generator.config.w_dim
        if direction.affine is not None:
            length = find_affine(generator, direction.affine).channels
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise DataError(f"{path}: damaged: {error}.") from None
    if direction.vector.shape != (length,):
        found = tuple(direction.vector.shape)
        raise DataError(f"{path}: damaged: its vector is {found}, wanted ({length},).")
    return direction


def orthogonalize(
    direction: Direction, others: Sequence[Direction], ws: Tensor | None = None
) -> Direction:
    """A direction that leaves others alone: orthogonal to all of them.

    Moving along it changes no reading of the linear classifiers behind `others` (the conditional
    manipulation of Shen et al. 2020, InterFaceGAN, section 2.3, for any number of conditions).

    Args:
        direction: The one to move along.
        others: Those that should stay.
        ws: Samples of w, `(N, D)`. W is much wider in some directions than in others. With samples,
            the way that leaves the others alone is the shortest in standard deviations of w, and a
            strength of 1 is one of them; without, it is the part of the vector that is orthogonal
            to the others, and strengths make the step that they made before, less the rest.

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
