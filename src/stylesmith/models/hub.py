"""Models on the Hugging Face Hub, and folders in the form that lies there.

Such a folder is a model folder: `config.json`, `model.safetensors`, a card with what the Hub reads
(licence, tags, metrics), and a sheet of samples. Opening one runs no code.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from stylesmith import images
from stylesmith.errors import ModelError, RunError, UsageError
from stylesmith.models.model_card import hub_card
from stylesmith.models.serialization import Bundle, load, load_bundle, locate_model, save_bundle
from stylesmith.networks import Generator

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SAMPLES_FILE = "samples.png"
SAMPLE_COUNT = 16
"""Images on the sheet."""
HUB_FILE_PATTERNS = ["config.json", "*.safetensors", "README.md"]
"""What is fetched from the Hub."""


def from_pretrained(
    name: str | Path, *, revision: str | None = None, token: str | None = None, device: str = "auto"
) -> Generator:
    """Open a generator from a local folder or from the Hub.

    Args:
        name: Whatever `load` opens, or a repository, `owner/name`; what exists here comes first.
        revision: Branch, tag or commit on the Hub.
        token: For private repositories; None is that of `hf auth login`.
        device: As for `load`.

    Raises:
        ModelError: If neither is there, or there is no model in it.
        UsageError: If the Hub's package is missing.
        RunError: If the Hub cannot be reached.
    """
    if isinstance(name, Path) or locate_model(name).exists():
        return load(name, device=device)
    with _hub_api(name, token, "fetched") as api:
        folder = api.snapshot_download(name, revision=revision, allow_patterns=HUB_FILE_PATTERNS)
    return load(folder, device=device)


def push_to_hub(
    model: str | Path | Generator | Bundle,
    repository: str,
    *,
    license: str | None = None,
    metrics: Mapping[str, float] | None = None,
    private: bool = False,
    token: str | None = None,
    message: str = "Upload with stylesmith",
) -> str:
    """Put a model on the Hub, in a repository that is made if it is not there.

    Args:
        model: As for `save_pretrained`, and so are `license` and `metrics`.
        repository: `owner/name`.
        license: One of the Hub's identifiers, such as `cc0-1.0`.
        metrics: Measured values by name.
        private: Make a new repository private.
        token: With the right to write; None is that of `hf auth login`.
        message: Of the commit.

    Returns:
        The address of the model.

    Raises:
        ModelError: If there is no model, or the Hub refuses the repository.
        UsageError: If the Hub's package is missing.
        RunError: If the Hub cannot be reached.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / repository.rpartition("/")[2]
        save_pretrained(model, folder, license=license, metrics=metrics)
        with _hub_api(repository, token, "written") as api:
            made = api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(repo_id=made.repo_id, folder_path=folder, commit_message=message)
            return str(made)


def save_pretrained(
    model: str | Path | Generator | Bundle,
    folder: Path,
    *,
    license: str | None = None,
    metrics: Mapping[str, float] | None = None,
) -> None:
    """Write a folder as it would lie on the Hub, which `from_pretrained` and `load` open.

    Args:
        model: A generator, or whatever `load` opens.
        folder: Where to.
        license: One of the Hub's identifiers, such as `cc0-1.0`; None says that it is not known,
            and of imported weights that it is their owner's.
        metrics: Measured values by name, such as `{"fid50k": 5.2}`; those that a run noted beside
            its best model are taken by themselves.

    Raises:
        ModelError: If there is no model.
        OutputError: If the folder cannot be written.
    """
    bundle = _as_bundle(model)
    noted = {n: v for n, v in bundle.about.items() if isinstance(v, float) and math.isfinite(v)}
    card = hub_card(
        bundle.ema,
        bundle.card,
        bundle.about,
        name=folder.name,
        license=license,
        metrics=noted | dict(metrics or {}),
        samples=SAMPLES_FILE,
    )
    save_bundle(folder, Bundle(bundle.ema, about=bundle.about, card=card))
    images.save_grid(_sample_images(bundle.ema), folder / SAMPLES_FILE)


def _as_bundle(model: str | Path | Generator | Bundle) -> Bundle:
    if isinstance(model, Bundle):
        return model
    if isinstance(model, Generator):
        return Bundle(model)
    return load_bundle(Path(model), trained=False)


def _sample_images(generator: Generator) -> torch.Tensor:
    """One image per seed, of all classes in turn."""
    classes, seeds = generator.config.label_size, range(SAMPLE_COUNT)
    label = [seed % classes for seed in seeds] if classes else None
    return generator.sample(seeds, psi=0.7, label=label, precision="fp32")


@contextmanager
def _hub_api(repository: str, token: str | None, what: str) -> Iterator["HfApi"]:
    """The calls of the Hub; whatever goes wrong with them is told in one line."""
    try:
        from huggingface_hub import HfApi, errors
    except ImportError:
        raise UsageError(
            f'{repository}: not a folder here; the Hub needs pip install "stylesmith[hub]"'
        ) from None
    try:
        yield HfApi(token=token)
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.HFValidationError,
    ) as error:
        raise ModelError(
            f"{repository}: no folder here, and on the Hub it cannot be {what}: "
            f"{_first_line(error)}. Wanted OWNER/NAME; for a private one, log in with `hf auth "
            "login`."
        ) from error
    except (errors.HfHubHTTPError, errors.HTTPError, OSError, ValueError) as error:
        raise RunError(
            f"{repository}: cannot be {what} on the Hub ({_first_line(error)}). Try again later; "
            "what was fetched before is kept."
        ) from error


def _first_line(error: Exception) -> str:
    """The first line of what the Hub says."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
