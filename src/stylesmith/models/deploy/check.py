"""Whether a written program computes what this package does."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.errors import RunError
from stylesmith.models.deploy.programs import Inputs, Program

LIMIT = 1e-4
"""Largest difference of images (about -1..1) and styles, in fp32."""
BATCHES = (1, 3)
"""Numbers of images to try; programs are traced with two."""


@torch.no_grad()
def largest_difference(
    program: Program, run: Callable[[Inputs], Tensor], *, path: Path, reader: str
) -> float:
    """Run a written program beside this package, with the same inputs.

    Args:
        program: What was written.
        run: Runs the file.
        path: The file, for the message.
        reader: What runs it, for the message.

    Raises:
        RunError: If results differ by more than `LIMIT`, or are no numbers.
    """
    largest = 0.0
    for n in BATCHES:
        inputs = program.example_inputs(n)
        difference = float((run(inputs) - program.reference(inputs)).abs().max())
        if not difference <= LIMIT:  # NaN compares to nothing
            raise RunError(
                f"{path.name}: not written: in {reader} its {program.output} differ by "
                f"{difference:.1e} at batch {n}, allowed is {LIMIT:.0e}. Another version of torch "
                f"or {reader} may do; please report it with the model's config.json."
            )
        largest = max(largest, difference)
    return largest
