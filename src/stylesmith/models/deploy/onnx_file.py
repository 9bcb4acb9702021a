"""Programs as ONNX files, which onnxruntime and many others run, in browsers too."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stylesmith.errors import UsageError
from stylesmith.models.deploy.check import check_exported
from stylesmith.models.deploy.programs import ExportableProgram, ProgramInputs, no_warnings, trace

ONNX_OPSET = 18
"""Version of the operators: of late 2022, so that most readers know it."""


def write_onnx(path: Path, program: ExportableProgram, *, about: Mapping[str, str]) -> float:
    """Write a program as an ONNX file with all weights in it.

    Args:
        path: Where to; the caller removes it if this raises.
        program: What to write.
        about: Notes to keep in the file.

    Returns:
        How far its results are from this package's, in onnxruntime.

    Raises:
        UsageError: If a package is missing.
        RunError: If results differ too much.
    """
    _require_packages()
    graph = _onnx_model(program)
    graph.metadata_props.update(about)
    import onnx_ir

    onnx_ir.save(graph, path)
    return check_exported(
        program, _onnxruntime_runner(path, program), path=path, reader="onnxruntime"
    )


def _onnx_model(program: ExportableProgram) -> Any:
    """The program as an `onnx_ir.Model`, with everything computed that depends on weights alone.

    torch's own optimization is left out: it takes additions of 1e-8 for additions of nothing, so a
    feature map without variance would be divided by zero.
    """
    from onnxscript import optimizer

    exported = trace(program)
    with no_warnings(), _quiet_logger("torch.onnx"):
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


def _onnxruntime_runner(path: Path, program: ExportableProgram) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: ProgramInputs) -> Tensor:
        feed = {name: x.numpy() for name, x in zip(program.inputs, inputs, strict=True)}
        return torch.from_numpy(session.run([program.output], feed)[0])

    return run


def _require_packages() -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(package)
        except ImportError:
            raise UsageError(
                f'format onnx needs {package}, which is missing: pip install "stylesmith[onnx]"'
            ) from None


@contextmanager
def _quiet_logger(name: str) -> Iterator[None]:
    """Without log lines below errors, such as those on packages that are not needed."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
