"""A way back from a step whose numbers were not finite."""

import torch

from stylesmith.training.state import TrainState


class StateBackup:
    """A copy of all that a step moves, taken before it and put back if it went wrong.

    A step has up to four passes that each move weights; whether all were finite is known, and
    agreed on by all processes, only at its end.
    """

    def __init__(self, state: TrainState):
        self.tensors = [tensor.detach() for _, tensor in state.step_tensors()]
        self.copies = [torch.empty_like(tensor) for tensor in self.tensors]

    def save(self) -> None:
        """Remember the present values."""
        for kept, live in zip(self.copies, self.tensors, strict=True):
            kept.copy_(live)

    def restore(self) -> None:
        """Put the remembered values back."""
        for kept, live in zip(self.copies, self.tensors, strict=True):
            live.copy_(kept)
