"""Loading and saving models: `load` for a generator, `load_bundle` for all networks.

A model is a folder (`config.json`, `model.safetensors`, README), a run, a snapshot or checkpoint
file, a model that comes with the package (by name), or a file of published weights.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from stylesmith import files
from stylesmith.config import Config, DiscriminatorConfig, GeneratorConfig, format_validation_error
from stylesmith.devices import choose_device
from stylesmith.errors import ModelError, UsageError
from stylesmith.file_kinds import identify_folder, web_address_problem
from stylesmith.latents import latents_from_seeds
from stylesmith.models.interop import (
    import_discriminator,
    import_generator,
    is_external_file,
    read_external,
)
from stylesmith.models.interop.allowed_globals import short_text
from stylesmith.models.interop.external_network import (
    WEIGHT_LICENSES,
    ExternalFile,
    ImportReport,
    NetworkRole,
)
from stylesmith.models.model_card import import_card
from stylesmith.models.run_folder import SAFETENSORS_SUFFIX, WEIGHTS_FILE, RunFolder
from stylesmith.networks import (
    Discriminator,
    Generator,
    Growth,
    build_discriminator,
    build_generator,
    parameter_count,
)
from stylesmith.networks.growth import levels_in_use
from stylesmith.tensor_file import read_tensor_file, write_tensor_file

C = TypeVar("C", bound=Config)
N = TypeVar("N", bound=nn.Module)

SHIPPED_FOLDER = Path(__file__).parent / "shipped"


def shipped_models() -> list[str]:
    """Their names."""
    return sorted(path.parent.name for path in SHIPPED_FOLDER.glob("*/config.json"))


def locate_model(source: str | Path) -> Path:
    """The path of a model: `source` itself, or that of a shipped model of this name.

    What exists under the name here comes first.
    """
    path = Path(source)
    if not path.exists() and str(source) in shipped_models():
        return SHIPPED_FOLDER / path
    return path


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
    files.write_json(folder / "config.json", {**_model_header(generator), "about": dict(about)})
    save_weights(folder / WEIGHTS_FILE, generator)
    files.write_text(folder / "README.md", card)


def save_weights(path: Path, generator: Generator) -> None:
    """Write a generator as one file that `load` opens."""
    write_tensor_file(path, generator.state_dict(), _model_header(generator), kind="model")


def load_discriminator(source: str | Path, *, device: str = "auto") -> Discriminator:
    """Open the discriminator of a run, a checkpoint, a model folder or a file of published weights.

    Args:
        source: As for `load`.
        device: "auto", "cpu", "cuda" or "mps".

    Returns:
        The discriminator, in evaluation mode.

    Raises:
        ModelError: If there is no model, it is damaged, or it holds no discriminator.
    """
    bundle = load_bundle(Path(source))
    if bundle.discriminator is None:
        raise ModelError(
            f"{source}: holds no discriminator. Wanted a run with checkpoints, or a model that was "
            "imported or exported with all its networks."
        )
    return bundle.discriminator.to(choose_device(device))


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


def _model_header(generator: Generator) -> dict[str, Any]:
    return {**generator_header(generator), "parameters": parameter_count(generator)}


def generator_header(generator: Generator) -> dict[str, Any]:
    """Header of a file with a generator: config, growth (None is all levels), class names."""
    growth, top = generator.growth, generator.config.levels - 1
    names = generator.class_names
    return {
        "generator": generator.config.model_dump(mode="json"),
        "growth": None if growth is None or growth == Growth(top) else asdict(growth),
        **({"class_names": list(names)} if names else {}),
    }


def _candidate_files(path: Path) -> Iterator[Path]:
    """Files that may hold the model, the best first."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        if problem := web_address_problem(path):
            raise ModelError(problem)
        shipped = ", ".join(shipped_models())
        raise ModelError(
            f"{path}: no such run, model folder or file. With stylesmith comes: {shipped}."
        )
    run = RunFolder(path)
    found = [path / WEIGHTS_FILE, run.model / WEIGHTS_FILE, *run.checkpoints(), *run.snapshots()]
    found = [candidate for candidate in found if candidate.is_file()]
    if not found:
        if kind := identify_folder(path):
            raise ModelError(f"{path}: {kind.instead_of('a model')}")
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
    found = "discriminator" if "discriminator" in header else header["kind"]
    if found not in ("model", "checkpoint") and "generator" not in header:
        raise ModelError(f"{path}: holds a {found}; wanted a generator.")
    config = _parse_config(GeneratorConfig, header.get("generator"), path)
    if header["kind"] == "checkpoint":
        tensors = _tensors_under("ema", tensors)
    return _load_tensors(_build_from_header(config, header, path), tensors, path)


def _build_from_header(config: GeneratorConfig, header: Mapping[str, Any], path: Path) -> Generator:
    """A new generator with what `generator_header` wrote of it."""
    generator, growth = build_generator(config), header.get("growth")
    names = header.get("class_names") or ()
    try:
        if growth is not None:
            generator.growth = levels_in_use(Growth(**growth), config.levels)
    except (TypeError, UsageError) as error:
        raise ModelError(f"{path}: damaged (its growth: {error}).") from None
    if names and (not isinstance(names, list) or len(names) != config.label_size):
        raise ModelError(f"{path}: damaged (its class names: wanted {config.label_size}).")
    generator.class_names = tuple(map(str, names)) or None
    return generator


GENERATOR_FILE = f"generator{SAFETENSORS_SUFFIX}"
DISCRIMINATOR_FILE = f"discriminator{SAFETENSORS_SUFFIX}"
"""Names, in a model folder, of the two networks that were trained."""


@dataclass
class Bundle:
    """The networks of one model."""

    ema: Generator
    generator: Generator | None = None
    discriminator: Discriminator | None = None
    about: dict[str, Any] = field(default_factory=dict)
    """Where it comes from; for imported networks also their licence."""
    card: str = "# A style-based generator\n"
    """The README beside it."""
    reports: list[ImportReport] = field(default_factory=list)
    """What an import mapped, ignored and missed."""

    def networks(self) -> dict[NetworkRole, Generator | Discriminator]:
        """Those that are there, by their short names."""
        found = (self.ema, self.generator, self.discriminator)
        pairs = zip(get_args(NetworkRole), found, strict=True)
        return {role: network for role, network in pairs if network is not None}


def load_bundle(source: Path, *, partial: bool = False, trained: bool = True) -> Bundle:
    """Open all networks of a model, run, checkpoint or file of published weights, on the CPU.

    Args:
        source: Whatever `load` opens.
        partial: Take what fits of a file of published weights.
        trained: Open the trained generator and the discriminator too, where there are any.

    Raises:
        ModelError: If there is no model, or it is damaged or doesn't fit.
    """
    source = locate_model(source)
    if source.is_file() and is_external_file(source):
        return _import_bundle(source, partial=partial, trained=trained)
    if trained and (checkpoint := _find_checkpoint(source)):
        bundle = _read_checkpoint_bundle(checkpoint)
    else:
        bundle = Bundle(load(source, device="cpu"))
    _read_about_and_card(bundle, source)
    generator, discriminator = source / GENERATOR_FILE, source / DISCRIMINATOR_FILE
    if trained and generator.is_file():
        bundle.generator = load(generator, device="cpu")
    if trained and discriminator.is_file():
        bundle.discriminator = _read_discriminator(discriminator)
    return bundle


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write a model folder, with the trained networks beside the average where there are any.

    Raises:
        OutputError: If a file cannot be written.
    """
    with files.staging_folder(folder) as new:
        save_model(new, bundle.ema, card=bundle.card, about=bundle.about)
        if bundle.generator is not None:
            save_weights(new / GENERATOR_FILE, bundle.generator)
        if bundle.discriminator is not None:
            header = {"discriminator": bundle.discriminator.config.model_dump(mode="json")}
            path = new / DISCRIMINATOR_FILE
            write_tensor_file(path, bundle.discriminator.state_dict(), header, kind="model")
    for name, network in (
        (GENERATOR_FILE, bundle.generator),
        (DISCRIMINATOR_FILE, bundle.discriminator),
    ):
        if network is None:  # of another model that was here
            (folder / name).unlink(missing_ok=True)


@torch.no_grad()
def largest_difference(first: Bundle, second: Bundle) -> float:
    """How far apart two models of the same networks are, in images (fp32, -1..1) and scores.

    Networks that only one of them has are left out.
    """
    z = latents_from_seeds(range(2), first.ema.config.mapping.z_dim)
    classes = first.ema.config.label_size
    label = torch.eye(classes)[:1].expand(2, -1) if classes else None
    ours, others, images = first.networks(), second.networks(), first.ema(z, label)
    return max(
        float((ours[role](x, label) - others[role](x, label)).abs().max())
        for role, x in (("G_ema", z), ("G", z), ("D", images))
        if role in ours and role in others
    )


def _import_bundle(path: Path, *, partial: bool, trained: bool) -> Bundle:
    file = read_external(path, partial=partial)
    averaged = "G_ema" in file.networks
    ema, report = import_generator(file, path, "G_ema" if averaged else "G", partial=partial)
    bundle = Bundle(ema, reports=[report])
    if not averaged:
        report.notes.append("no averaged generator in the file; this is the trained one")
    report.notes += [f"left out: {short_text(name, 100)}" for name in file.refused_globals]
    if trained:
        try:
            _import_trained(bundle, file, path, partial=partial)
        except ModelError as error:
            if not partial:
                raise
            report.notes.append(f"left out: {error}")
    bundle.about = {
        "source": path.name,
        "format": file.format,
        "licence": WEIGHT_LICENSES[file.format],
        "import": {report.role: report.as_json() for report in bundle.reports},
    }
    bundle.card = import_card(ema.config, file.format, bundle.reports, source=path.name)
    return bundle


def _import_trained(bundle: Bundle, file: ExternalFile, path: Path, *, partial: bool) -> None:
    """The networks beside the averaged generator."""
    if {"G", "G_ema"} <= file.networks.keys():
        bundle.generator, report = import_generator(file, path, "G", partial=partial)
        bundle.reports.append(report)
    if "D" in file.networks:
        bundle.discriminator, report = import_discriminator(file, path, partial=partial)
        bundle.reports.append(report)


def _read_about_and_card(bundle: Bundle, source: Path) -> None:
    """What is written beside a model, if it is there and sound."""
    folder = next((f for f in (source, source / "model") if (f / WEIGHTS_FILE).is_file()), None)
    if folder is None:
        return
    try:
        about = files.parse_json((folder / "config.json").read_bytes()).get("about")
        card = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError, AttributeError):
        return
    bundle.about, bundle.card = dict(about) if isinstance(about, dict) else {}, card


def _find_checkpoint(source: Path) -> Path | None:
    """The checkpoint that holds a run's networks; the newest, whole or not."""
    if source.is_file():
        return source if source.parent.name == "checkpoints" else None
    return next(iter(RunFolder(source).checkpoints()), None)


def _read_checkpoint_bundle(path: Path) -> Bundle:
    tensors, header = read_tensor_file(path, kind="checkpoint")
    config = _parse_config(GeneratorConfig, header.get("generator"), path)
    settings = header.get("config")
    stored = settings.get("discriminator") if isinstance(settings, dict) else None
    discriminator = build_discriminator(_parse_config(DiscriminatorConfig, stored, path))
    ema, generator = (
        _load_tensors(_build_from_header(config, header, path), _tensors_under(name, tensors), path)
        for name in ("ema", "generator")
    )
    tensors = _tensors_under("discriminator", tensors)
    return Bundle(ema, generator, _load_tensors(discriminator, tensors, path))


def _read_discriminator(path: Path) -> Discriminator:
    tensors, header = read_tensor_file(path, kind="model")
    config = _parse_config(DiscriminatorConfig, header.get("discriminator"), path)
    return _load_tensors(build_discriminator(config), tensors, path)


def _tensors_under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    dotted = f"{prefix}."
    return {n.removeprefix(dotted): t for n, t in tensors.items() if n.startswith(dotted)}


def _load_tensors(network: N, tensors: Mapping[str, Tensor], path: Path) -> N:
    """The network with these tensors, all of them finite, in evaluation mode."""
    copy_tensors(network.state_dict(), tensors, source=str(path))
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise ModelError(
                f"{path}: holds numbers that are not finite, in {name}: damaged, or saved by a "
                "program whose training had failed."
            )
    return network.eval().requires_grad_(False)


def _parse_config(kind: type[C], value: Any, path: Path) -> C:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ModelError(f"{path}: damaged: {format_validation_error(error)}") from None
