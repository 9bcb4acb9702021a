"""Name maps: which tensor of ours is which tensor of theirs, and how the two are laid out.

One map serves import and export. A layout changes where numbers stand, never their value, except
`PLUS_ONE`.
"""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

import numpy as np

NamedArrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TensorLayout:
    """How another program lays out a tensor of ours."""

    read: Callable[[np.ndarray], np.ndarray]
    """Theirs to ours."""
    write: Callable[[np.ndarray], np.ndarray]
    """Ours to theirs."""

    def then(self, other: "TensorLayout") -> "TensorLayout":
        """First this layout, then the other one, seen from theirs."""
        return TensorLayout(
            lambda a: other.read(self.read(a)), lambda a: self.write(other.write(a))
        )


COPY = TensorLayout(lambda a: a, lambda a: a)
TRANSPOSED = TensorLayout(lambda a: a.T, lambda a: a.T)
"""TensorFlow's dense weights `(I, O)`; ours are `(O, I)`."""
KERNEL = TensorLayout(lambda a: a.transpose(3, 2, 0, 1), lambda a: a.transpose(2, 3, 1, 0))
"""TensorFlow's kernels `(k, k, I, O)`; ours are `(O, I, k, k)`."""
FLIPPED = TensorLayout(lambda a: a[..., ::-1, ::-1], lambda a: a[..., ::-1, ::-1])
"""Kernels `(O, I, k, k)` of a true convolution; ours correlate."""
PLUS_ONE = TensorLayout(lambda a: a + np.float32(1), lambda a: a - np.float32(1))
"""Style biases that are learned around 0; ours around 1."""
BATCHED = TensorLayout(lambda a: a[0], lambda a: a[None])
"""A first axis of length 1 that ours lack."""
UNBATCHED = TensorLayout(lambda a: a[None], lambda a: a[0])
"""Without the first axis of length 1 that ours have."""
GRID = TensorLayout(lambda a: a[None, None], lambda a: a[0, 0])
"""Noise maps `(H, W)`; ours are `(1, 1, H, W)`."""
PER_CHANNEL = TensorLayout(lambda a: a[0, :, 0, 0], lambda a: a[None, :, None, None])
"""Biases `(1, C, 1, 1)`; ours are `(C,)`."""


@dataclass(frozen=True)
class NameRule:
    """One tensor under both names."""

    ours: str
    theirs: str
    layout: TensorLayout = COPY


@dataclass
class NameMap:
    """All tensors of one network under both names.

    A rule for a tensor that our network lacks, such as the noise of one without noise, is left out
    when the map is used.
    """

    rules: list[NameRule] = field(default_factory=list)
    filters: dict[str, np.ndarray] = field(default_factory=dict)
    """Constant filters that they store: written as they are; wanted equal up to scale if read."""
    ignored: dict[str, str] = field(default_factory=dict)
    """Patterns of names of theirs that need no counterpart, and why."""
    ours_only: list[str] = field(default_factory=list)
    """Names of ours that they don't have, which keep the value of a new network."""
    derivable: tuple[str, ...] = (r"synthesis\.noise_\d+",)
    """Patterns of names of ours that a file may lack, for they are not learned: noise maps, which
    are drawn, and in some formats the mean of w, which is estimated; the same every time."""
    separator: str = "."
    """What stands before `weight` and `bias` in their names."""

    def add(self, ours: str, theirs: str, layout: TensorLayout = COPY) -> None:
        """Add one tensor."""
        self.rules.append(NameRule(ours, theirs, layout))

    def add_weight_and_bias(self, ours: str, theirs: str, layout: TensorLayout = COPY) -> None:
        """Add a weight in some layout, and its bias."""
        self.add(f"{ours}.weight", f"{theirs}{self.separator}weight", layout)
        self.add(f"{ours}.bias", f"{theirs}{self.separator}bias")

    def ignore_reason(self, name: str) -> str | None:
        """Why a name of theirs needs no counterpart; None if it does."""
        return next((why for p, why in self.ignored.items() if re.fullmatch(p, name)), None)

    def derivable_from(self, theirs: Container[str]) -> set[str]:
        """Tensors of ours that a file lacks and that can be had without it.

        Where it has some of a kind, it is damaged: the others are then missing.
        """
        found: set[str] = set()
        for pattern in self.derivable:
            rules = [rule for rule in self.rules if re.fullmatch(pattern, rule.ours)]
            if not any(rule.theirs in theirs for rule in rules):
                found.update(rule.ours for rule in rules)
        return found

    def rules_for(self, state: Container[str]) -> list[NameRule]:
        """The rules for the tensors that a network of ours has."""
        return [rule for rule in self.rules if rule.ours in state]

    def write(self, state: NamedArrays) -> dict[str, np.ndarray]:
        """Tensors of ours under their names and in their layout."""
        tensors = {
            rule.theirs: np.array(rule.layout.write(state[rule.ours]), order="C")
            for rule in self.rules_for(state)
        }
        return tensors | self.filters


def fir_kernel(scale: float = 1.0) -> np.ndarray:
    """StyleGAN2's filter [1,3,3,1] as a kernel that sums to `scale`."""
    row = np.array([1.0, 3.0, 3.0, 1.0])
    return (np.outer(row, row) * (scale / 64)).astype(np.float32)


def is_fir_kernel(kernel: np.ndarray) -> bool:
    """Whether a stored filter is [1,3,3,1] up to scale, as a row or as a kernel."""
    kernel = np.squeeze(kernel).astype(np.float64)
    wanted = fir_kernel() if kernel.ndim == 2 else fir_kernel().sum(axis=0)
    total = kernel.sum()
    if kernel.shape != wanted.shape or not np.isfinite(total) or total == 0:
        return False
    return bool(np.allclose(kernel / total, wanted, atol=1e-4))
