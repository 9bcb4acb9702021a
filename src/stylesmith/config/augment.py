"""Augmentation of what the discriminator sees: the pipeline, and how its strength is set."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator

from stylesmith.choices import AugmentGroup, AugmentPolicy, StrengthSignal
from stylesmith.config.base import Config, ConfigUnion
from stylesmith.errors import ConfigError, suggest_name

ADA_GROUPS: tuple[AugmentGroup, ...] = get_args(AugmentGroup)
ADA_PRESETS: dict[str, tuple[AugmentGroup, ...]] = {
    **{group: (group,) for group in ADA_GROUPS},
    **{name: ADA_GROUPS[: len(name)] for name in ("bg", "bgc", "bgcf", "bgcfn", "bgcfnc")},
}
"""Groups by the names of their published combinations; `bgc` is that of all published results."""

POLICIES: tuple[AugmentPolicy, ...] = get_args(AugmentPolicy)

AUGMENTATIONS = ("none", "ada", "diffaugment")
"""Augmentations by name, besides `fixed:P`."""

Share = Annotated[float, Field(ge=0, le=1)]


class AugmentConfig(ConfigUnion):
    """Random transformations of real and generated images: a union of pipelines."""

    kinds: ClassVar[dict[str, Any]] = {}

    kind: str = "ada"
    """The pipeline: `ada`, or `diffaugment`."""

    def describe(self) -> str:
        """The pipeline and its parts in a few words."""
        raise NotImplementedError


class AdaConfig(AugmentConfig):
    """Adaptive discriminator augmentation (Karras et al. 2020): 18 transformations in 6 groups."""

    kind: Literal["ada"] = "ada"
    groups: str = "bgc"
    """Groups in use: `bgc` and the like, or names joined by commas, as in `blit,color`."""
    multipliers: dict[AugmentGroup, Share] = Field(default={})
    """Factor on the strength by group, 0..1; groups that are absent have 1."""

    @field_validator("groups")
    @classmethod
    def _groups_exist(cls, groups: str) -> str:
        if groups not in ADA_PRESETS:
            others = [name for name in ADA_PRESETS if name not in ADA_GROUPS]
            _check_names(groups, ADA_GROUPS, others, what="group")
        return groups

    def describe(self) -> str:
        """`ada (bgc)`."""
        return f"{self.kind} ({self.groups})"

    @property
    def group_names(self) -> tuple[AugmentGroup, ...]:
        """The groups in use, in the order of the pipeline."""
        names = ADA_PRESETS.get(self.groups) or self.groups.split(",")
        return tuple(group for group in ADA_GROUPS if group in names)


class DiffAugmentConfig(AugmentConfig):
    """DiffAugment (Zhao et al. 2020), published with a strength of 1."""

    kind: Literal["diffaugment"] = "diffaugment"
    policies: str = "color,translation,cutout"
    """Policies in use, joined by commas; `color,cutout` for the whole of CIFAR-10."""

    @field_validator("policies")
    @classmethod
    def _policies_exist(cls, policies: str) -> str:
        _check_names(policies, POLICIES, (), what="policy")
        return policies

    def describe(self) -> str:
        """`diffaugment (color,translation,cutout)`."""
        return f"{self.kind} ({self.policies})"

    @property
    def policy_names(self) -> tuple[AugmentPolicy, ...]:
        """The policies in use, in the order of the pipeline."""
        return tuple(policy for policy in POLICIES if policy in self.policies.split(","))


class StrengthConfig(Config):
    """How the strength p of augmentation is set, 0..1."""

    signal: StrengthSignal = "r_t"
    """`r_t` follows scores of training images, `r_v` of held-out ones; `fixed` keeps `initial`."""
    initial: Share = 0.0
    """Strength at the start of a run."""
    target: float | None = Field(default=None, ge=-1, le=2)
    """Value of the signal at which p rests; null takes 0.6 for r_t and 0.5 for r_v."""
    interval: int = Field(default=4, ge=1)
    """Steps between adjustments."""
    kimg: float | None = Field(default=500.0, gt=0)
    """Thousands of images in which p can go from 0 to 1; null takes a tenth of the planned run."""
    guard: float = Field(default=0.2, ge=0)
    """Distance of mean scores of training and generated images below which r_v lowers p."""

    @property
    def target_value(self) -> float:
        """The target in force."""
        if self.target is not None:
            return self.target
        return 0.5 if self.signal == "r_v" else 0.6


def augmentation_settings(
    name: str, *, held_out: bool, groups: str | None = None, target: float | None = None
) -> dict[str, Any]:
    """The settings of training behind `--augment`, as values of `TrainingConfig.change`.

    Args:
        name: `none`, `ada`, `diffaugment`, or `fixed:P`, ADA with the strength P in 0..1.
        held_out: Whether images are held out; their scores then set the strength of `ada`.
        groups: Groups of ADA or policies of DiffAugment; None takes the published ones.
        target: Value of the signal at which the strength of `ada` rests; None is the usual one.

    Raises:
        ConfigError: If there is no such augmentation, or an option does not belong to it.
    """
    kind, _, number = name.partition(":")
    _check_augmentation(name)
    if kind != "ada" and target is not None:
        raise ConfigError(f"--target {target:g}: belongs to --augment ada, got {name}")
    if kind == "none":
        if groups is not None:
            raise ConfigError(f"--augment-groups {groups}: nothing is augmented by --augment none")
        return {"augment": None}
    if kind == "diffaugment":
        policies = {} if groups is None else {"policies": groups}
        strength: dict[str, Any] = {"signal": "fixed", "initial": 1.0}
        return {"augment": {"kind": "diffaugment", **policies}, "strength": strength}
    if kind == "fixed":
        strength = {"signal": "fixed", "initial": float(number)}
    else:
        strength = {"signal": "r_v" if held_out else "r_t", "target": target}
    return {"augment": {"kind": "ada", "groups": groups or "bgc"}, "strength": strength}


def _check_augmentation(name: str) -> None:
    """Refuse what is no augmentation by name.

    Raises:
        ConfigError: If it is none, or its strength is no number in 0..1.
    """
    kind, _, number = name.partition(":")
    if kind == "fixed":
        try:
            strength = float(number)
        except ValueError:
            strength = math.nan
        if not 0 <= strength <= 1:
            raise ConfigError(f"--augment {name}: wanted fixed:P with a number P in 0..1")
    elif name not in AUGMENTATIONS:
        near = suggest_name(kind, [*AUGMENTATIONS, "fixed"])
        hint = f"; did you mean {'fixed:0.2' if near == 'fixed' else near}?" if near else ""
        raise ConfigError(
            f"--augment {name}: wanted {', '.join(AUGMENTATIONS)}, or fixed:P with P in 0..1{hint}"
        )


def _check_names(text: str, known: Sequence[str], also: Sequence[str], *, what: str) -> None:
    """Refuse names, joined by commas, of which one is unknown."""
    for name in text.split(","):
        if name not in known:
            near = suggest_name(name, [*known, *also])
            hint = f"; did you mean {near}?" if near else ""
            choices = f"{', '.join(also)}, or " if also else ""
            raise ValueError(
                f"unknown {what} {name!r}: wanted {choices}some of {', '.join(known)}, "
                f"joined by commas{hint}"
            )
