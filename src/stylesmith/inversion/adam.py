"""Adam (Kingma and Ba 2015) on rows, whose state can be cut and joined as the rows are."""

import math

from torch import Tensor

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8


def adam_step(
    rows: Tensor,
    gradient: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    *,
    step: int,
    learning_rate: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step with the usual constants.

    Args:
        rows: What to move, `(N, P)`.
        gradient: Of the loss, `(N, P)`.
        exp_avg: Running mean of gradients, `(N, P)`, 0 at the start.
        exp_avg_sq: Running mean of their squares, likewise.
        step: Number of this step, from 1.
        learning_rate: Learning rate.

    Returns:
        Rows and running means after the step.
    """
    exp_avg = ADAM_BETA1 * exp_avg + (1 - ADAM_BETA1) * gradient
    exp_avg_sq = ADAM_BETA2 * exp_avg_sq + (1 - ADAM_BETA2) * gradient.square()
    scale = exp_avg_sq.sqrt() / math.sqrt(1 - ADAM_BETA2**step) + ADAM_EPSILON
    return rows - learning_rate / (1 - ADAM_BETA1**step) * exp_avg / scale, exp_avg, exp_avg_sq
