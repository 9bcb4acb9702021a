"""Labels of a data set as values: classes, or vectors of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stylesmith.errors import DataError
from stylesmith.formatting import shorten_list

Label = int | list[float]
"""A class, or the label itself."""


@dataclass(frozen=True)
class Labels:
    """One label per image, in the order of the names; `size` is the length of each as a vector."""

    size: int
    values: np.ndarray
    """Classes `(N,)` int64, or vectors `(N, size)` float32."""
    class_names: list[str] | None = None

    def vector(self, index: int) -> np.ndarray:
        """The label of one image, float32 `(size,)`."""
        if self.values.ndim == 2:
            return self.values[index].copy()
        one_hot = np.zeros(self.size, np.float32)
        one_hot[self.values[index]] = 1
        return one_hot

    def numbered_as(self, class_names: Sequence[str] | None) -> "Labels":
        """The same labels with the numbers that a network gives to classes of these names.

        They stay as they are where the data or the network has no names.

        Raises:
            DataError: If the network lacks a class of the data.
        """
        if not class_names or not self.class_names:
            return self
        if unknown := [name for name in self.class_names if name not in class_names]:
            raise DataError(
                f"has a class {unknown[0]}, the model only {shorten_list(class_names)}. Use the "
                "classes that it was trained on."
            )
        numbers = np.array([list(class_names).index(name) for name in self.class_names])
        return Labels(len(class_names), numbers[self.values], list(class_names))

    def json_value(self, index: int) -> Label:
        """The label of one image as `dataset.json` writes it."""
        value: Label = self.values[index].tolist()
        return value

    def select(self, indices: Sequence[int]) -> "Labels":
        """The labels of some of the images."""
        return Labels(self.size, self.values[np.asarray(indices, np.int64)], self.class_names)


def labels_from_array(values: np.ndarray, class_names: list[str] | None = None) -> Labels:
    """Labels from an array, as containers keep them.

    Args:
        values: Whole numbers `(N,)` or `(N, 1)` from 0 on, which are classes; or numbers `(N, L)`,
            which are classes if every row is one-hot, else vectors.
        class_names: Names of the classes.

    Raises:
        ValueError: If it is neither; the message is the reason alone.
    """
    if values.dtype.kind not in "buif" or values.ndim not in {1, 2} or not len(values):
        raise ValueError(f"holds {values.dtype} of shape {values.shape}, which are no labels")
    if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind in "bui":
        values = values[:, 0]
    if not np.isfinite(values).all():
        raise ValueError("holds numbers that are not finite")
    if values.ndim == 2:
        if not _is_one_hot(values):
            return Labels(values.shape[1], values.astype(np.float32))
        return Labels(values.shape[1], values.argmax(axis=1).astype(np.int64), class_names)
    classes = values.astype(np.int64)
    if (classes != values).any() or classes.min() < 0:
        raise ValueError("holds numbers that are no classes; wanted whole numbers from 0 on")
    size = max(int(classes.max()) + 1, len(class_names or ()))
    if size > MAX_CLASSES:
        raise ValueError(f"holds the class {size - 1}; classes count from 0 to {MAX_CLASSES - 1}")
    fits = class_names is not None and len(class_names) == size
    return Labels(size, classes, class_names if fits else None)


MAX_CLASSES = 100_000
"""A larger number is no class but a mistake, and its one-hot would fill the memory."""


def _is_one_hot(values: np.ndarray) -> bool:
    is_binary = ((values == 0) | (values == 1)).all()
    return values.shape[1] > 1 and bool(is_binary and (values.sum(axis=1) == 1).all())
