"""What any MODEL holds, in lines for people; of published weights and ONNX files too."""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from stylesmith.errors import ModelError, UsageError
from stylesmith.file_kinds import identify_file, web_address_problem
from stylesmith.models.interop import describe_file, is_external_file
from stylesmith.models.interop.inspection import describe_config, describe_interface
from stylesmith.models.run_folder import RunFolder
from stylesmith.models.serialization import load_bundle, locate_model
from stylesmith.networks import parameter_count

MAX_CLASSES_SHOWN = 20


def describe_model(source: str | Path) -> list[str]:
    """Kind, networks with sizes, inputs and outputs, classes, and where the model comes from.

    Args:
        source: Whatever `load` opens, or an ONNX file. A file of another kind is named.

    Raises:
        ModelError: If there is no model, or it is damaged.
        UsageError: If it is an ONNX file and the package to read it is missing.
    """
    path = locate_model(source)
    if problem := web_address_problem(source):
        raise ModelError(problem)
    if path.is_file() and path.suffix.lower() == ".onnx":
        return _describe_onnx(path)
    if not path.is_dir() and (is_external_file(path) or identify_file(path)):
        return describe_file(path)
    bundle = load_bundle(path)
    kind = "a run" if RunFolder(path).exists() else "a model"
    lines = [f"{source}: {kind} of stylesmith"]
    for role, network in bundle.networks().items():
        lines += [
            f"{role}: {describe_config(network.config)}, {parameter_count(network):,} parameters",
            f"  {describe_interface(network.config)}",
        ]
    if growth := bundle.ema.growth:
        height, width = bundle.ema.config.size(growth.level)
        lines.append(f"trained up to {width}x{height} so far")
    if names := bundle.ema.class_names:
        more = ", ..." if len(names) > MAX_CLASSES_SHOWN else ""
        lines.append(f"classes: {', '.join(names[:MAX_CLASSES_SHOWN])}{more}")
    return [*lines, *_about_lines(bundle.about)]


def _about_lines(about: Mapping[str, Any]) -> Iterator[str]:
    """Where a model comes from, as far as it is told in single values."""
    for name, value in about.items():
        if isinstance(value, str | int | float):
            yield f"{name}: {value}"


def _describe_onnx(path: Path) -> list[str]:
    """Inputs and outputs of an ONNX file, and what an export wrote beside."""
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise UsageError(
            f'{path}: inspect needs onnx for it, which is missing: pip install "stylesmith[onnx]"'
        ) from None
    try:
        model = onnx.load(path, load_external_data=False)
        notes = {item.key: item.value for item in model.metadata_props}
        about = json.loads(notes.pop("about", "{}"))
    except Exception as error:  # of a library that is not always there
        problem = str(error).partition("\n")[0]
        raise ModelError(f"{path}: damaged or not an ONNX file ({problem}).") from None
    versions = [str(entry.version) for entry in model.opset_import if not entry.domain]
    lines = [f"{path}: an ONNX file, opset {', '.join(versions)}"]
    lines += [f"input: {_value_shape(value)}" for value in model.graph.input]
    lines += [f"output: {_value_shape(value)}" for value in model.graph.output]
    lines += [f"{name}: {value}" for name, value in notes.items()]
    return [*lines, *_about_lines(about if isinstance(about, dict) else {})]


def _value_shape(value: Any) -> str:
    sizes = [str(d.dim_param or d.dim_value) for d in value.type.tensor_type.shape.dim]
    return f"{value.name} ({', '.join(sizes)})"
