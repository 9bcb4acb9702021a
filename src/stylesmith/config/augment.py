"""Augmentation of what the discriminator sees: the pipeline, and how its strength is set."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator

from stylesmith.choices import AugmentGroup, AugmentPolicy, StrengthSignal
from stylesmith.config.base import Config, ConfigUnion
from stylesmith.errors import suggest_name

ADA_GROUPS: tuple[AugmentGroup, ...] = get_args(AugmentGroup)
ADA_PRESETS: dict[str, tuple[AugmentGroup, ...]] = {
    **{group: (group,) for group in ADA_GROUPS},
    **{name: ADA_GROUPS[: len(name)] for name in ("bg", "bgc", "bgcf", "bgcfn", "bgcfnc")},
}
"""Groups by the names of their published combinations; `bgc` is that of all published results."""

POLICIES: tuple[AugmentPolicy, ...] = get_args(AugmentPolicy)

Share = Annotated[float, Field(ge=0, le=1)]


class AugmentConfig(ConfigUnion):
    """Random transformations of real and generated images: a union of pipelines."""

    kinds: ClassVar[dict[str, Any]] = {}

    kind: str = "ada"
    """The pipeline: `ada`, or `diffaugment`."""


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
    kimg: float = Field(default=500.0, gt=0)
    """Thousands of images in which p can go from 0 to 1."""
    guard: float = Field(default=0.2, ge=0)
    """With r_v, p goes down while mean scores of training and generated images are less apart."""

    @property
    def target_value(self) -> float:
        """The target in force."""
        if self.target is not None:
            return self.target
        return 0.5 if self.signal == "r_v" else 0.6


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
