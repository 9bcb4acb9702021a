"""Export of generators as ONNX or `torch.export` files that are checked against this package.

Files appear only after the check: a staging folder is moved into place at the end.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import stylesmith
from stylesmith import files
from stylesmith.choices import PROGRAM_SUFFIXES, NoiseInput, ProgramFormat, check_choices
from stylesmith.devices import FP32, dtype_name
from stylesmith.errors import RunError, UsageError
from stylesmith.models.deploy.programs import (
    ExportableProgram,
    ProgramInputs,
    image_program,
    mapping_program,
    quiet_exporters,
    synthesis_program,
    trace,
)
from stylesmith.networks import Generator

MAX_EXPORT_DIFFERENCE = 1e-4
"""Largest difference of images (about -1..1) and styles, in fp32."""
CHECKED_BATCH_SIZES = (1, 3)
"""Numbers of images to try; programs are traced with two."""

ProgramRunner = Callable[[ProgramInputs], Tensor]
"""Runs a file that was written."""


@torch.no_grad()
def check_exported(
    program: ExportableProgram, run: ProgramRunner, *, path: Path, reader: str
) -> float:
    """Run a written program beside this package, with the same inputs.

    Args:
        program: What was written.
        run: Runs the file.
        path: The file, for the message.
        reader: What runs it, for the message.

    Raises:
        RunError: If results differ by more than `MAX_EXPORT_DIFFERENCE`, or are no numbers.
    """
    largest = 0.0
    for n in CHECKED_BATCH_SIZES:
        inputs = program.example_inputs(n)
        difference = float((run(inputs) - program.reference(inputs)).abs().max())
        if not difference <= MAX_EXPORT_DIFFERENCE:  # NaN compares to nothing
            raise RunError(
                f"{path.name}: not written: in {reader} its {program.output} differ by "
                f"{difference:.1e} at batch {n}, allowed is {MAX_EXPORT_DIFFERENCE:.0e}. Another "
                f"version of torch or {reader} may do; please report it with the model's "
                "config.json."
            )
        largest = max(largest, difference)
    return largest


ABOUT_FILE = "about.json"
"""Name of the notes within a `.pt2` file."""


def write_torch_export(
    path: Path, program: ExportableProgram, *, about: Mapping[str, str]
) -> ProgramRunner:
    """Write a program as a `.pt2` file with notes in it, and read it back.

    Args:
        path: The `.pt2` file.
        program: The function to export, with an example of its inputs.
        about: Notes that are written as JSON.
    """
    content = io.BytesIO()  # torch ends the whole process where a disk is full
    with quiet_exporters():
        torch.export.save(
            trace(program), content, extra_files={ABOUT_FILE: json.dumps(dict(about))}
        )
        path.write_bytes(content.getvalue())
        module = torch.export.load(path).module()
    return lambda inputs: module(*inputs)


ONNX_OPSET = 18
"""Version of the operators: of late 2022, so that most readers know it."""


def write_onnx(
    path: Path, program: ExportableProgram, *, about: Mapping[str, str]
) -> ProgramRunner:
    """Write a program as an ONNX file with all weights in it, and open it with onnxruntime.

    Args:
        path: Where to.
        program: What to write.
        about: Notes to keep in the file.

    Raises:
        UsageError: If a package is missing.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(package)
        except ImportError:
            raise UsageError(
                f'format onnx needs {package}, which is missing: pip install "stylesmith[onnx]"'
            ) from None
    graph = _onnx_model(program)
    graph.metadata_props.update(about)
    import onnx_ir

    onnx_ir.save(graph, path)
    return _onnxruntime_runner(path, program)


def _onnx_model(program: ExportableProgram) -> Any:
    """The program as an `onnx_ir.Model`, with everything computed that depends on weights alone.

    torch's own optimization is left out: it takes additions of 1e-8 for additions of nothing, so a
    feature map without variance would be divided by zero.
    """
    from onnxscript import optimizer

    exported = trace(program)
    with quiet_exporters():
        written = torch.onnx.export(
            exported,
            dynamo=True,
            optimize=False,
            opset_version=ONNX_OPSET,
            input_names=program.inputs,
            output_names=[program.output],
            verbose=False,
        )
    assert written is not None
    model = written.model
    unlimited = 1 << 62
    optimizer.fold_constants(model, input_size_limit=unlimited, output_size_limit=unlimited)
    optimizer.remove_unused_nodes(model)
    _clean_metadata(model)
    return model


def _clean_metadata(model: Any) -> None:
    """Name the batch dimension, and drop where in our source every node comes from."""
    graph = model.graph
    symbol = graph.inputs[0].shape[0]
    values = [*graph.inputs, *(value for node in graph for value in node.outputs)]
    for part in (graph, *graph, *values):
        part.metadata_props.clear()
    for value in values:
        for i, size in enumerate(value.shape or ()):
            if size == symbol:
                value.shape[i] = "batch"


def _onnxruntime_runner(path: Path, program: ExportableProgram) -> ProgramRunner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: ProgramInputs) -> Tensor:
        feed = {name: x.numpy() for name, x in zip(program.inputs, inputs, strict=True)}
        return torch.from_numpy(session.run([program.output], feed)[0])

    return run


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


@check_choices
def write_programs(
    dest: Path,
    file_format: ProgramFormat,
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
        file_format: The format.
        generator: On the CPU, in evaluation mode.
        noise: What becomes of noise inputs.
        about: Where the model comes from, kept in the files beside the version and the dtype.

    Raises:
        UsageError: If the suffix is not of this format, or a package is missing.
        RunError: If a file draws something else; then nothing is written.
        OutputError: If it cannot be written.
    """
    suffix = PROGRAM_SUFFIXES[file_format]
    one_file = not files.names_folder(dest)
    if one_file and dest.suffix.lower() != suffix:
        raise UsageError(f"{dest}: format {file_format} is written to a {suffix} file, or a folder")
    if one_file:
        folder, programs = dest.parent, {dest.name: image_program(generator, noise)}
    else:
        folder, programs = (
            dest,
            {
                f"mapping{suffix}": mapping_program(generator),
                f"synthesis{suffix}": synthesis_program(generator, noise),
            },
        )
    with files.staging_folder(folder) as temporary:
        return [
            _write_program(temporary / name, file_format, program, about)
            for name, program in programs.items()
        ]


def _write_program(
    path: Path,
    file_format: ProgramFormat,
    program: ExportableProgram,
    about: Mapping[str, Any] | None,
) -> ExportedFile:
    notes = {
        "stylesmith": stylesmith.__version__,
        "dtype": dtype_name(FP32),
        "about": json.dumps(dict(about or {})),
    }
    if file_format == "onnx":
        run, reader = write_onnx(path, program, about=notes), "onnxruntime"
        shown = f"opset {ONNX_OPSET}, in onnxruntime"
    else:
        run, reader = write_torch_export(path, program, about=notes), "torch.export"
        shown = "in torch"
    difference = check_exported(program, run, path=path, reader=reader)
    return ExportedFile(path.name, program.inputs, program.output, shown, difference)
