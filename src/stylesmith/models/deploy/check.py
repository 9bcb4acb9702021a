"""Whether a written program computes what this package does."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from stylesmith.errors import RunError
from stylesmith.models.deploy.programs import ExportableProgram, ProgramInputs

MAX_EXPORT_DIFFERENCE = 1e-4
"""Largest difference of images (about -1..1) and styles, in fp32."""
CHECKED_BATCH_SIZES = (1, 3)
"""Numbers of images to try; programs are traced with two."""


@torch.no_grad()
def check_exported(
    program: ExportableProgram, run: Callable[[ProgramInputs], Tensor], *, path: Path, reader: str
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
    for n in CHECKED_BATCH_SIZES:
        inputs = program.example_inputs(n)
        difference = float((run(inputs) - program.reference(inputs)).abs().max())
        if not difference <= MAX_EXPORT_DIFFERENCE:  # NaN compares to nothing
            raise RunError(
                f"{path.name}: not written: in {reader} its {program.output} differ by "
                f"{difference:.1e} at batch {n}, allowed is {MAX_EXPORT_DIFFERENCE:.0e}. Another version of torch "
                f"or {reader} may do; please report it with the model's config.json."
            )
        largest = max(largest, difference)
    return largest
