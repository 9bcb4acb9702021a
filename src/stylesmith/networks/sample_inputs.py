"""Checks of the arguments of sampling: seeds, latents, labels, psi and noise maps."""

import operator
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stylesmith.config import GeneratorConfig
from stylesmith.errors import UsageError
from stylesmith.networks.layer_indices import LayerIndices, ws_rows
from stylesmith.networks.synthesis import NoiseMaps

Array = Tensor | np.ndarray
LabelInput = int | str | Array | Sequence[int | str]
LabelChoice = int | str | list[float]
"""One class by number or name, or the numbers of one label; it can be written as JSON."""
"""A class by number or name, one for all images, or a list with one per image; tensors and arrays
are label vectors, `(label_size,)` or `(N, label_size)`."""
PsiInput = float | Sequence[float] | Array
"""Truncation: a number, or one per layer, `(num_ws,)`."""


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """Seeds as a list.

    Raises:
        UsageError: If there is none, or one is no whole number from 0 to 2**32 - 1.
    """
    try:
        found = [operator.index(seed) for seed in seeds]
    except TypeError:
        wanted = "wanted a list of whole numbers, such as [5] or range(16)"
        raise UsageError(f"seeds {reprlib.repr(seeds)}: {wanted}") from None
    if not found:
        raise UsageError("seeds: there are none; wanted one or more")
    if outside := [seed for seed in found if not 0 <= seed < 2**32]:
        raise UsageError(f"seed {outside[0]}: wanted 0 to {2**32 - 1}")
    return found


def check_latents(name: str, value: Any, shapes: Sequence[tuple[int, ...]]) -> Tensor:
    """Latents as a tensor of rows, fp32.

    Args:
        name: Name of the argument, for messages.
        value: A tensor, an array or nested lists; one latent `(D,)` is one row.
        shapes: Shapes that a row may have.

    Raises:
        UsageError: If they have another shape, or are no finite numbers.
    """
    rows = _as_floats(name, value)
    rows = rows[None] if rows.ndim == 1 else rows
    if not len(rows) or tuple(rows.shape[1:]) not in shapes:
        wanted = " or ".join(f"(N, {', '.join(map(str, shape))})" for shape in shapes)
        raise UsageError(f"{name}: has the shape {tuple(rows.shape)}, wanted {wanted}")
    return rows


def check_psi(psi: PsiInput, layers: LayerIndices | None, config: GeneratorConfig) -> Tensor:
    """Truncation of each layer, `(num_ws, 1)`.

    Args:
        psi: One number, or one per layer.
        layers: The layers that one number holds for; None is all.
        config: Of the generator.

    Raises:
        UsageError: If the numbers are not finite, or not one per layer.
    """
    numbers = _as_floats("psi", psi)
    found = torch.ones(config.num_ws, 1)
    if not numbers.ndim:
        found[slice(None) if layers is None else ws_rows(layers, config)] = numbers
        return found
    if layers is not None or numbers.shape != (config.num_ws,):
        raise UsageError(
            f"psi: has the shape {tuple(numbers.shape)}, wanted a number, or one for each of "
            f"{config.num_ws} layers"
        )
    return numbers[:, None]


def check_labels(
    label: LabelInput | None, config: GeneratorConfig, class_names: Sequence[str] | None
) -> Tensor | None:
    """Label vectors, fp32, one row for all images or one per image; None without classes.

    Raises:
        UsageError: If labels are missing, superfluous or out of range, or no class has that name.
    """
    size = config.label_size
    if not size:
        if label is not None:
            raise UsageError("this network was trained without labels; leave the class out")
        return None
    if label is None:
        raise UsageError(f"this network draws by class; name one of {_classes(size, class_names)}")
    if isinstance(label, Tensor | np.ndarray):
        return _label_vectors(torch.as_tensor(label).float(), size)
    several = [label] if isinstance(label, str) or not isinstance(label, Iterable) else label
    return torch.eye(size)[[_class_number(one, size, class_names) for one in several]]


def label_input(label: LabelChoice | None) -> LabelInput | None:
    """The class or label as an argument of sampling, where a list has a class for each image."""
    return np.array(label, np.float32) if isinstance(label, list) else label


def prefer_class_name(
    label: LabelChoice | None, class_names: Sequence[str] | None
) -> LabelChoice | None:
    """A class as a user wrote it: a name that is a number wins over the number of a class."""
    return str(label) if class_names and str(label) in class_names else label


def check_noise_maps(maps: NoiseMaps, config: GeneratorConfig, count: int) -> NoiseMaps:
    """Noise maps of one's own, for `count` images.

    Raises:
        UsageError: If there are not as many as noise inputs, or one has another shape.
    """
    shapes = config.noise_shapes
    if len(maps) != len(shapes):
        raise UsageError(f"noise: {len(maps)} maps, wanted {len(shapes)}, one per noise input")
    for i, (noise, shape) in enumerate(zip(maps, shapes, strict=True)):
        if noise is not None and noise.shape not in ((count, 1, *shape), (1, 1, *shape)):
            wanted = (count, 1, *shape)
            raise UsageError(f"noise map {i}: has the shape {tuple(noise.shape)}, wanted {wanted}")
    return maps


def _as_floats(name: str, value: Any) -> Tensor:
    try:
        numbers = torch.as_tensor(value).float()
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"{name} {reprlib.repr(value)}: wanted numbers") from None
    if not numbers.isfinite().all():
        raise UsageError(f"{name}: holds NaN or infinity; wanted finite numbers")
    return numbers


def _label_vectors(rows: Tensor, size: int) -> Tensor:
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != size:
        numbers = rows.shape[-1] if rows.ndim else rows.numel()
        found = f"a label of this network has {size} numbers, got {numbers}"
        raise UsageError(f"{found}; classes by number are passed as a list")
    return rows


def _class_number(name: Any, size: int, class_names: Sequence[str] | None) -> int:
    if isinstance(name, str) and class_names and name in class_names:
        return list(class_names).index(name)
    try:
        number = operator.index(name)
    except TypeError:
        number = -1
    if not 0 <= number < size:
        raise UsageError(
            f"class {name}: this network has the classes {_classes(size, class_names)}"
        )
    return number


def _classes(size: int, class_names: Sequence[str] | None) -> str:
    if not class_names:
        return f"0-{size - 1}"
    shown = ", ".join(class_names[:20]) + (", ..." if len(class_names) > 20 else "")
    return f"0-{size - 1} ({shown})"
