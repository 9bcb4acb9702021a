"""All that the tests of compatibility import from stylesmith: when modules move, change this file.

Nothing here may be changed to fit other formats: only how the code is reached may change.
"""

import contextlib
import inspect
import io
import os
import runpy
import sys
import typing
import warnings
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from typer.main import get_command

import stylesmith
from stylesmith.cli import app
from stylesmith.config import DiscriminatorConfig, GeneratorConfig, RunConfig
from stylesmith.inversion.latent_optimizer import ProjectionState, save_state
from stylesmith.latents import RandomKeys
from stylesmith.metrics.classifiers import ClassifierFacts, classifier_config, save_classifier
from stylesmith.networks import Generator, build_discriminator, build_generator
from stylesmith.networks.build import model_hash
from stylesmith.perception.extractors import open_distance, open_extractor
from stylesmith.perception.inception import InceptionV3
from stylesmith.perception.vgg_lpips import VGG16, LPIPSHeads
from stylesmith.presets import PRESETS

SOURCE = Path(stylesmith.__file__).parent
BF16_CHECK = "stylesmith.devices.has_bf16"
"""What `--precision auto` asks; commands are run as on a CPU that has no bfloat16."""

DrawnKeys = set[tuple[str, int]]
"""Purposes of random numbers, and by how many numbers they were keyed beside them."""


def random_number(seed: int, branch: int, purpose: str, *numbers: int) -> int:
    """The 63-bit number of a key."""
    return RandomKeys(seed, branch).number(purpose, *numbers)


def random_uniform(seed: int, branch: int, purpose: str, *numbers: int) -> float:
    """The number in 0..1 of a key."""
    return RandomKeys(seed, branch).uniform(purpose, *numbers)


def random_normal(seed: int, branch: int, size: int, purpose: str, *numbers: int) -> Tensor:
    """Normal numbers of a key, `(size,)`."""
    return RandomKeys(seed, branch).normal(size, purpose, *numbers)


def random_order(seed: int, branch: int, size: int, purpose: str, *numbers: int) -> np.ndarray:
    """The permutation of a key."""
    return RandomKeys(seed, branch).permutation(size, purpose, *numbers)


@contextlib.contextmanager
def drawn_keys() -> Iterator[DrawnKeys]:
    """Collect the keys of all random numbers that are drawn in this process."""
    found: DrawnKeys = set()
    real = RandomKeys.number

    def number(self: RandomKeys, purpose: str, *numbers: int) -> int:
        found.add((purpose, len(numbers)))
        return real(self, purpose, *numbers)

    with mock.patch.object(RandomKeys, "number", number):
        yield found


def build_network(part: str, config: dict[str, Any], *, seed: int = 0) -> nn.Module:
    """A new generator or discriminator from a configuration as 0.1.0 wrote it."""
    if part == "generator":
        return build_generator(GeneratorConfig.model_validate(config), seed=seed)
    return build_discriminator(DiscriminatorConfig.model_validate(config), seed=seed)


def whole_config(part: str, settings: dict[str, Any]) -> dict[str, Any]:
    """A network's configuration with its defaults, as JSON."""
    kind = GeneratorConfig if part == "generator" else DiscriminatorConfig
    return kind.model_validate(settings).model_dump(mode="json")


def draw_images(generator: nn.Module, z: Tensor, label: Tensor | None) -> Tensor:
    """Images of latents with the network's own noise, at all levels, fp32."""
    return generator(z, label)


def score_images(
    discriminator: nn.Module, images: Tensor | list[Tensor], label: Tensor | None
) -> Tensor:
    """Scores of images of the full size, or of a list of them, the smallest first."""
    return discriminator(images, label)


def perception_networks() -> dict[str, Callable[[], nn.Module]]:
    """Networks with published weights, by title."""
    return {"inception": InceptionV3, "vgg16": VGG16, "lpips": LPIPSHeads}


def random_network_hashes() -> dict[str, str]:
    """Hashes of the extractor and the distance that need no weights."""
    cpu = torch.device("cpu")
    return {
        "extractor": open_extractor("random", cpu).weights_hash,
        "distance": open_distance("random", cpu).weights_hash,
    }


def random_features(images: Tensor) -> Tensor:
    """Features of uint8 images by that extractor, `(N, 512)`."""
    return open_extractor("random", torch.device("cpu")).features(images)


def classifier_network(size: int, channels: int, max_channels: int) -> dict[str, Any]:
    """Configuration of an attribute classifier's network."""
    config = classifier_config((size, size), channels, max_channels=max_channels)
    return config.model_dump(mode="json")


def write_classifier(folder: Path) -> None:
    """Write an attribute classifier, as `classifiers train` does."""
    network: Any = build_network("discriminator", classifier_network(8, 3, 4))
    facts = ClassifierFacts("hat", 0, data="0" * 16, images=8, seed=0, accuracy=0.5, share=0.5)
    save_classifier(folder, network, facts)


def write_projection_state(path: Path) -> None:
    """Write what an interrupted projection goes on from."""
    save_state(
        path, ProjectionState.initial(torch.zeros(1, 5), 1, w_shape=(1, 4)), {"model": "0" * 16}
    )


def preset_names() -> list[str]:
    """All presets."""
    return [preset.name for preset in PRESETS]


def default_config() -> dict[str, Any]:
    """What a configuration file means where it says nothing, as JSON."""
    return RunConfig().model_dump(mode="json")


def reread_config(value: dict[str, Any]) -> dict[str, Any]:
    """A configuration read from JSON and written again."""
    return RunConfig.model_validate(value).model_dump(mode="json")


def hash_of(source: str | Path) -> str:
    """The hash by which latent files and directions know a model."""
    return model_hash(stylesmith.load(source, device="cpu"))


def sample(source: str | Path, seeds: list[int], **options: Any) -> Tensor:
    """Images by the Python interface, fp32, one at a time: `(N, C, H, W)`."""
    generator = stylesmith.load(source, device="cpu")
    return generator.sample(seeds, precision="fp32", batch_size=1, **options)


def python_interface() -> dict[str, inspect.Signature]:
    """Functions that users call from Python."""
    functions: dict[str, Callable] = {"load": stylesmith.load, "Generator.sample": Generator.sample}
    return {name: inspect.signature(function) for name, function in functions.items()}


def commands() -> Any:
    """The tree of commands."""
    return get_command(app)


def choices(parameter: Any) -> list[str] | None:
    """What an option or argument may be, where its values are listed."""
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    if typing.get_origin(annotation) is typing.Literal:
        return [str(value) for value in typing.get_args(annotation)]
    return None


def run_command(*arguments: object, cache: Path) -> str:
    """Run `python -m stylesmith` in this process, without a GPU; returns its stdout.

    Raises:
        AssertionError: If it fails.
    """
    status, out, err = try_command(*arguments, cache=cache)
    assert status == 0, (arguments, out, err)
    return out


def try_command(*arguments: object, cache: Path) -> tuple[int, str, str]:
    """The exit status, stdout and stderr of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        stack.enter_context(mock.patch.object(sys, "argv", ["stylesmith", *map(str, arguments)]))
        stack.enter_context(mock.patch.dict(os.environ, {"STYLESMITH_CACHE": str(cache)}))
        stack.enter_context(mock.patch("torch.cuda.is_available", return_value=False))
        stack.enter_context(mock.patch("torch.backends.mps.is_available", return_value=False))
        stack.enter_context(mock.patch(BF16_CHECK, return_value=False))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        status = 0
        try:
            runpy.run_module("stylesmith", run_name="__main__")
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, out.getvalue(), err.getvalue()
