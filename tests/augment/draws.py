"""Draws of the ADA pipeline for tests: from seeds, and with transformations chosen by hand."""

import torch

from stylesmith.augment import Draws, open_augmentation
from stylesmith.augment.ada import AdaPipeline
from stylesmith.config.augment import AdaConfig


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed * 1000 + i) for i in range(count)]


def open_ada(groups: str, *shape: int) -> AdaPipeline:
    augmentation = open_augmentation(AdaConfig(groups=groups), *shape)
    assert isinstance(augmentation, AdaPipeline)
    return augmentation


def only(draws: Draws, *names: str) -> Draws:
    """The same draws, of which the coins of these transformations alone can fall."""
    for column, name in enumerate(draws.plan.coins):
        if name not in names:
            draws.values[:, column] = 1.0
    return draws


def set_uniform(draws: Draws, name: str, values: torch.Tensor | float) -> None:
    draws.values[:, len(draws.plan.coins) + draws.plan.uniform.index(name)] = values


def set_normal(draws: Draws, name: str, values: torch.Tensor | float) -> None:
    before = len(draws.plan.coins) + len(draws.plan.uniform)
    draws.values[:, before + draws.plan.normal.index(name)] = values
