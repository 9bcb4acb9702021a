"""Model folders, and `load`: from whatever holds a model to a generator."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from stylesmith import files
from stylesmith.config import GeneratorConfig, format_validation_error
from stylesmith.devices import choose_device
from stylesmith.errors import ModelError, UsageError
from stylesmith.models.container import read_tensor_file, write_tensor_file
from stylesmith.models.interop import import_generator, is_external_file, read_external
from stylesmith.models.run_folder import SAFETENSORS_SUFFIX, RunFolder
from stylesmith.models.shipped import locate_model, shipped_models
from stylesmith.networks import Generator, Growth, build_generator, parameter_count
from stylesmith.networks.growth import levels_in_use

WEIGHTS_FILE = f"model{SAFETENSORS_SUFFIX}"


def load(source: str | Path, *, device: str = "auto") -> Generator:
    """Open a trained generator.

    Args:
        source: A run folder, a model folder, a snapshot or checkpoint file, the name of a model
            that comes with the package ("avatars"), or a file of published weights (TensorFlow and
            StyleGAN2-ADA pickles, rosinality checkpoints), in which nothing is run.
        device: "auto", "cpu", "cuda" or "mps".

    Returns:
        The averaged generator, in evaluation mode. Where the newest file of a run is damaged, the
        one before it, with a warning that says so.

    Raises:
        ModelError: If there is no model, or every candidate is damaged.
    """
    candidates = list(_candidate_files(locate_model(source)))
    problems: list[str] = []
    for path in candidates:
        try:
            generator = _read_generator(path)
        except ModelError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warnings.warn(f"{problem} Using {path} instead.", stacklevel=2)
        return generator.to(choose_device(device))
    raise ModelError(problems[0])


def save_model(folder: Path, generator: Generator, *, card: str, about: Mapping[str, Any]) -> None:
    """Write a model folder: `config.json`, `model.safetensors` and a README card.

    `about` says where the model comes from (preset, data, images seen); it is kept in config.json.
    """
    files.write_json(folder / "config.json", {**_generator_header(generator), "about": dict(about)})
    save_weights(folder / WEIGHTS_FILE, generator)
    files.write_text(folder / "README.md", card)


def save_weights(path: Path, generator: Generator) -> None:
    """Write a generator as one file that `load` opens."""
    write_tensor_file(path, generator.state_dict(), _generator_header(generator), kind="model")


def copy_tensors(
    targets: Mapping[str, Tensor], tensors: Mapping[str, Tensor], *, source: str
) -> None:
    """Copy saved tensors into live ones of the same names and shapes, whatever their layout.

    Raises:
        ModelError: If a name or shape differs; nothing is copied then.
    """
    wanted = {name: tuple(t.shape) for name, t in targets.items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ModelError(
                f"{source}: does not fit this network: {name} is {found.get(name, 'missing')}, "
                f"wanted {wanted.get(name, 'nothing of that name')}."
            )
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(tensors[name])


def _generator_header(generator: nn.Module) -> dict[str, Any]:
    assert isinstance(generator, Generator)
    return {
        "generator": generator.config.model_dump(mode="json"),
        "growth": growth_header(generator),
        "parameters": parameter_count(generator),
    }


def growth_header(generator: Generator) -> dict[str, float] | None:
    """The levels that are trained, for a header; None is all."""
    growth, top = generator.growth, generator.config.levels - 1
    return None if growth is None or growth == Growth(top) else asdict(growth)


def _read_growth(header: Mapping[str, Any], config: GeneratorConfig) -> Growth | None:
    found = header.get("growth")
    return None if found is None else levels_in_use(Growth(**found), config.levels)


def _candidate_files(path: Path) -> Iterator[Path]:
    """Files that may hold the model, the best first."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        shipped = ", ".join(shipped_models())
        raise ModelError(
            f"{path}: no such run, model folder or file. With stylesmith comes: {shipped}."
        )
    run = RunFolder(path)
    found = [path / WEIGHTS_FILE, run.model / WEIGHTS_FILE, *run.checkpoints(), *run.snapshots()]
    found = [candidate for candidate in found if candidate.is_file()]
    if not found:
        raise ModelError(
            f"{path}: holds no model. Wanted a run folder (with model/ or checkpoints/) or a model "
            f"folder (with {WEIGHTS_FILE})."
        )
    yield from found


def _read_generator(path: Path) -> Generator:
    if is_external_file(path):
        file = read_external(path)
        generator, _ = import_generator(file, path, "G_ema" if "G_ema" in file.networks else "G")
        return generator
    tensors, header = read_tensor_file(path)
    try:
        config = GeneratorConfig.model_validate(header.get("generator"))
    except ValidationError as error:
        raise ModelError(f"{path}: damaged: {format_validation_error(error)}") from None
    if header["kind"] == "checkpoint":
        tensors = {n.removeprefix("ema."): t for n, t in tensors.items() if n.startswith("ema.")}
    generator = build_generator(config)
    try:
        generator.growth = _read_growth(header, config)
    except (TypeError, UsageError) as error:
        raise ModelError(f"{path}: damaged (its growth: {error}).") from None
    copy_tensors(generator.state_dict(), tensors, source=str(path))
    return generator.eval().requires_grad_(False)
