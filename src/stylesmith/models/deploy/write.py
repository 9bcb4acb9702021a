"""From a generator to one file that draws, or two that meet at w."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import stylesmith
from stylesmith.errors import UsageError
from stylesmith.models.deploy.onnx_file import OPSET, write_onnx
from stylesmith.models.deploy.programs import NoiseInput, Program, mapping, pictures, synthesis
from stylesmith.models.deploy.staging import staged
from stylesmith.models.deploy.torch_file import write_torch_export
from stylesmith.networks import Generator

Form = Literal["onnx", "torch-export"]
SUFFIXES: dict[Form, str] = {"onnx": ".onnx", "torch-export": ".pt2"}
READERS: dict[Form, str] = {"onnx": f"opset {OPSET}, in onnxruntime", "torch-export": "in torch"}


@dataclass(frozen=True)
class Written:
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
    form: Form,
    generator: Generator,
    *,
    noise: NoiseInput = "fixed",
    about: Mapping[str, Any] | None = None,
) -> list[Written]:
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
    suffix = SUFFIXES[form]
    if dest.suffix not in (suffix, ""):
        raise UsageError(f"{dest}: format {form} is written to a {suffix} file, or a folder")
    folder = dest.parent if dest.suffix else dest
    with staged(folder) as temporary:
        if not dest.suffix:
            return write_both(temporary, form, generator, noise=noise, about=about)
        return [_write(temporary / dest.name, form, pictures(generator, noise), about)]


def write_both(
    folder: Path,
    form: Form,
    generator: Generator,
    *,
    noise: NoiseInput = "fixed",
    about: Mapping[str, Any] | None = None,
) -> list[Written]:
    """The two halves of a generator, which meet at w, into a folder that is there."""
    suffix = SUFFIXES[form]
    return [
        _write(folder / f"mapping{suffix}", form, mapping(generator), about),
        _write(folder / f"synthesis{suffix}", form, synthesis(generator, noise), about),
    ]


def _write(path: Path, form: Form, program: Program, about: Mapping[str, Any] | None) -> Written:
    if form == "onnx":
        notes = {"stylesmith": stylesmith.__version__, "about": json.dumps(dict(about or {}))}
        difference = write_onnx(path, program, about=notes)
    else:
        difference = write_torch_export(path, program)
    return Written(path.name, program.inputs, program.output, READERS[form], difference)
