"""Programs as files of `torch.export`, which torch runs without this package, from C++ too."""

from pathlib import Path

import torch

from stylesmith.models.deploy.check import check_exported
from stylesmith.models.deploy.programs import ExportableProgram, no_warnings, trace


def write_torch_export(path: Path, program: ExportableProgram) -> float:
    """Write a program as a `.pt2` file.

    Args:
        path: Where to; the caller removes it if this raises.
        program: What to write.

    Returns:
        How far its results are from this package's, read back.

    Raises:
        RunError: If results differ too much.
    """
    with no_warnings():
        torch.export.save(trace(program), path)
        module = torch.export.load(path).module()
    return check_exported(program, lambda inputs: module(*inputs), path=path, reader="torch.export")
