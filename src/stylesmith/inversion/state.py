"""How far a projection has come: all that a later process needs to go on as if never stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.errors import ModelError
from stylesmith.models.container import read_tensor_file, write_tensor_file


@dataclass(frozen=True)
class ProjectionState:
    """Rows of several pictures at one step; every tensor has one entry for each picture."""

    step: int
    """Steps taken."""
    rows: Tensor
    """What is looked for, `(N, P)`."""
    first: Tensor
    second: Tensor
    """Adam's running means, `(N, P)` each."""
    distances: Tensor
    """Of the undisturbed image at each look, `(N, K)`."""
    regularizers: Tensor
    """Of the noise maps, at the same looks, `(N, K)`; weighted as in the loss."""
    path: Tensor
    """w at the same looks, `(N, K, layers, D)`."""

    @classmethod
    def initial(cls, row: Tensor, count: int, *, w_shape: tuple[int, int]) -> "ProjectionState":
        """So many pictures, all at the same `row`, `(1, P)`."""
        rows = row.repeat(count, 1)
        none = row.new_zeros(count, 0)
        path = row.new_zeros(count, 0, *w_shape)
        moments = torch.zeros_like(rows)
        return cls(0, rows, moments, moments, none, none, path)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def evaluations(self) -> int:
        """K, how often the undisturbed images were looked at."""
        return self.distances.shape[1]

    def select(self, chosen: Sequence[int] | slice) -> "ProjectionState":
        """Some of the pictures."""
        index = chosen if isinstance(chosen, slice) else list(chosen)
        chosen_rows = {name: tensor[index] for name, tensor in self._tensors().items()}
        return ProjectionState(self.step, **chosen_rows)

    def with_evaluation(
        self, distances: Tensor, regularizers: Tensor, w: Tensor
    ) -> "ProjectionState":
        """With one more look at all pictures: `(N,)`, `(N,)` and `(N, layers, D)`."""
        return replace(
            self,
            distances=torch.cat([self.distances, distances[:, None]], dim=1),
            regularizers=torch.cat([self.regularizers, regularizers[:, None]], dim=1),
            path=torch.cat([self.path, w[:, None]], dim=1),
        )

    def _tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)[1:]}


def cat_states(states: Sequence[ProjectionState]) -> ProjectionState:
    """The pictures of several states of the same step."""
    (step,) = {state.step for state in states}
    parts = [state._tensors() for state in states]
    return ProjectionState(
        step, **{name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    )


def save_state(path: Path, state: ProjectionState, made_by: Mapping[str, Any]) -> None:
    """Write the state of one picture; `made_by` is all that decides its result.

    Raises:
        OutputError: If the file cannot be written.
    """
    header = {"projection": dict(made_by), "step": state.step}
    write_tensor_file(path, state._tensors(), header, kind="projection")


def read_state(path: Path, *, device: torch.device) -> tuple[ProjectionState, dict[str, Any]]:
    """A state and what decides its result.

    Raises:
        ModelError: If the file is damaged, or no such state.
    """
    tensors, header = read_tensor_file(path, kind="projection")
    try:
        state = ProjectionState(
            int(header["step"]), **{name: t.to(device) for name, t in tensors.items()}
        )
        return state, dict(header["projection"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged ({error}). Remove it to start anew.") from None
