"""Adam (Kingma and Ba 2015) on rows, whose state can be cut and joined as the rows are."""

import math

from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam_step(
    rows: Tensor, gradient: Tensor, first: Tensor, second: Tensor, *, step: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """One step with the usual constants.

    Args:
        rows: What to move, `(N, P)`.
        gradient: Of the loss, `(N, P)`.
        first: Running mean of gradients, `(N, P)`, 0 at the start.
        second: Running mean of their squares, likewise.
        step: Number of this step, from 1.
        rate: Learning rate.

    Returns:
        Rows and running means after the step.
    """
    first = BETA1 * first + (1 - BETA1) * gradient
    second = BETA2 * second + (1 - BETA2) * gradient.square()
    scale = second.sqrt() / math.sqrt(1 - BETA2**step) + EPSILON
    return rows - rate / (1 - BETA1**step) * first / scale, first, second
