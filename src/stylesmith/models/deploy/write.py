"""From a generator to one file that draws, or two that meet at w."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import stylesmith
from stylesmith.errors import UsageError
from stylesmith.models.deploy.onnx_file import ONNX_OPSET, write_onnx
from stylesmith.models.deploy.programs import (
    ExportableProgram,
    NoiseInput,
    image_program,
    mapping_program,
    synthesis_program,
)
from stylesmith.models.deploy.staging import staging_folder
from stylesmith.models.deploy.torch_file import write_torch_export
from stylesmith.networks import Generator

ProgramFormat = Literal["onnx", "torch-export"]
PROGRAM_SUFFIXES: dict[ProgramFormat, str] = {"onnx": ".onnx", "torch-export": ".pt2"}
PROGRAM_READERS: dict[ProgramFormat, str] = {
    "onnx": f"opset {ONNX_OPSET}, in onnxruntime",
    "torch-export": "in torch",
}


@dataclass(frozen=True)
class ExportedFile:
    """A file that draws as this package does."""

    name: str
    inputs: tuple[str, ...]
    output: str
    reader: str
    """What it was read back with."""
    difference: float
    """The largest found, in fp32."""


def write_programs(
    dest: Path,
    form: ProgramFormat,
    generator: Generator,
    *,
    noise: NoiseInput = "fixed",
    about: Mapping[str, Any] | None = None,
) -> list[ExportedFile]:
    """Write a generator for others to run, and check that it draws the same.

    Args:
        dest: A file (`.onnx`, `.pt2`) for one program from z to images. A folder for two: mapping,
            from z to one w for each layer, and synthesis, from there to images, for mixing and
            editing in between.
        form: The format.
        generator: On the CPU, in evaluation mode.
        noise: What becomes of noise inputs.
        about: Where the model comes from, kept in ONNX files.

    Raises:
        UsageError: If the suffix is not of this format, or a package is missing.
        RunError: If a file draws something else; then nothing is written.
        OutputError: If it cannot be written.
    """
    suffix = PROGRAM_SUFFIXES[form]
    if dest.suffix not in (suffix, ""):
        raise UsageError(f"{dest}: format {form} is written to a {suffix} file, or a folder")
    folder = dest.parent if dest.suffix else dest
    with staging_folder(folder) as temporary:
        if not dest.suffix:
            return write_mapping_and_synthesis(temporary, form, generator, noise=noise, about=about)
        return [_write_program(temporary / dest.name, form, image_program(generator, noise), about)]


def write_mapping_and_synthesis(
    folder: Path,
    form: ProgramFormat,
    generator: Generator,
    *,
    noise: NoiseInput = "fixed",
    about: Mapping[str, Any] | None = None,
) -> list[ExportedFile]:
    """The two halves of a generator, which meet at w, into a folder that is there."""
    suffix = PROGRAM_SUFFIXES[form]
    return [
        _write_program(folder / f"mapping{suffix}", form, mapping_program(generator), about),
        _write_program(
            folder / f"synthesis{suffix}", form, synthesis_program(generator, noise), about
        ),
    ]


def _write_program(
    path: Path, form: ProgramFormat, program: ExportableProgram, about: Mapping[str, Any] | None
) -> ExportedFile:
    if form == "onnx":
        notes = {"stylesmith": stylesmith.__version__, "about": json.dumps(dict(about or {}))}
        difference = write_onnx(path, program, about=notes)
    else:
        difference = write_torch_export(path, program)
    return ExportedFile(
        path.name, program.inputs, program.output, PROGRAM_READERS[form], difference
    )
