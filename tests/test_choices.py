"""Arguments that are words of a closed set refuse every other word, in the whole package."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import stylesmith
from stylesmith.choices import check_choices, words_of
from stylesmith.errors import UsageError

PASSED_BY_THE_PACKAGE = {
    "stylesmith.cli",  # the command line refuses other words by itself, and so does a configuration
    "stylesmith.config",
    "stylesmith.augment.blit",
    "stylesmith.networks.discriminators",  # what follows takes words of a configuration
    "stylesmith.networks.layers",
    "stylesmith.ops.resample",
    "stylesmith.presets.stylegan2_configs",
    "stylesmith.training.loss_passes",
    "stylesmith.data.check",  # these take words that only a module of the package passes
    "stylesmith.data.decode",
    "stylesmith.figures.tables.metric_tables",
    "stylesmith.figures.tables.table_output",
    "stylesmith.inversion.latent_optimizer",
    "stylesmith.metrics.protocol.Metric",
    "stylesmith.models.deploy.programs.SynthesisModule",
    "stylesmith.models.interop.external_network",
    "stylesmith.models.interop.file_writer",
    "stylesmith.models.interop.restricted_unpickler",
    "stylesmith.tensor_file",
}
"""Functions and modules whose words no caller of the package chooses, or that are checked before
they come there."""


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """All public functions, methods and constructors of the package, with their full names."""
    for module in pkgutil.walk_packages(stylesmith.__path__, "stylesmith."):
        if module.name.endswith("__main__"):
            continue
        for name, member in vars(importlib.import_module(module.name)).items():
            if name.startswith("_") or getattr(member, "__module__", None) != module.name:
                continue
            if inspect.isclass(member) and issubclass(member, BaseModel):
                continue  # configurations refuse other words by themselves
            full_name = f"{module.name}.{name}"
            if inspect.isclass(member):
                yield full_name, member
                methods = inspect.getmembers(member, inspect.isfunction)
                yield from (
                    (f"{full_name}.{method}", function)
                    for method, function in methods
                    if not method.startswith("_") and function.__module__ == module.name
                )
            elif inspect.isfunction(member):
                yield full_name, member


def closed_sets() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """Every function with every parameter that takes words of a closed set."""
    for name, function in public_functions():
        parts = name.split(".")
        prefixes = {".".join(parts[:end]) for end in range(2, len(parts) + 1)}
        if prefixes & PASSED_BY_THE_PACKAGE:
            continue
        try:
            parameters = inspect.signature(function).parameters
        except ValueError:  # of a protocol or an enumeration
            continue
        for parameter in parameters.values():
            if words_of(parameter.annotation):
                yield name, function, parameter.name


CLOSED_SETS = {
    f"{name}({argument})": rest for name, *rest in closed_sets() for argument in rest[1:]
}


def test_the_sets_of_the_package_are_found():
    assert len(CLOSED_SETS) >= 25
    assert {
        "stylesmith.networks.generator.Generator.sample(noise)",
        "stylesmith.networks.generator.Generator.sample(precision)",
        "stylesmith.metrics.protocol.parse_metrics(protocol)",
        "stylesmith.inversion.projection_variables.ProjectionSettings(space)",
    } <= CLOSED_SETS.keys()


@pytest.mark.parametrize("name", CLOSED_SETS)
def test_another_word_is_refused_before_anything_happens(name):
    function, argument = CLOSED_SETS[name]
    with pytest.raises(UsageError, match=f"^{argument} 'no-such-word': wanted one of '"):
        function(**{argument: "no-such-word"})


def test_the_nearest_word_is_offered_and_other_types_pass():
    from stylesmith.choices import ResizeFilter

    @check_choices
    def resize(size: int, filter: ResizeFilter | float = "box") -> tuple[int, object]:
        return size, filter

    assert resize(3) == (3, "box")
    assert resize(3, "lanczos") == (3, "lanczos")
    assert resize(3, filter=0.5) == (3, 0.5)
    with pytest.raises(UsageError, match=r"'lanczos', 'box'; did you mean 'lanczos'\?"):
        resize(3, "lanzos")
