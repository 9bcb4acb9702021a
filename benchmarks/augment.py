"""Cost of adaptive augmentation (groups `bgc`) as a share of a training step with it.

The passes of a step are those of `step.py`, without augmentation; beside them, what augmentation
adds to each: generated images with their backward pass in the generator's, generated and real ones
in the discriminator's, and in R1 real ones with the backward pass of their gradient.
"""

import statistics
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

import measure
import step
from stylesmith.augment import Augmentation, open_augmentation
from stylesmith.config.augment import AdaConfig

GROUPS = "bgc"
STRENGTH = 0.5


def augment(augmentation: Augmentation, images: Tensor) -> Tensor:
    """Draw random numbers as training does, an image at a time, and augment."""
    generators = [torch.Generator().manual_seed(index) for index in range(len(images))]
    draws = augmentation.draw(generators).to(images.device)
    strength = torch.full((), STRENGTH, device=images.device)
    return augmentation.apply(images, draws, strength)


def augment_fakes(augmentation: Augmentation, images: Tensor) -> None:
    """What the generator's pass adds."""
    augment(augmentation, images).sum().backward()


@torch.no_grad()
def augment_both(augmentation: Augmentation, images: Tensor) -> None:
    """What the discriminator's pass adds."""
    for _ in range(2):
        augment(augmentation, images)


def augment_reals_of_r1(augmentation: Augmentation, images: Tensor) -> None:
    """What R1 adds: the gradient is that by the images before they are augmented."""
    augmented = augment(augmentation, images)
    by_augmented = torch.ones_like(augmented).requires_grad_()
    (gradient,) = torch.autograd.grad(augmented, images, by_augmented, create_graph=True)
    gradient.square().sum().backward()


def augmentation_parts(setting: measure.Setting) -> dict[str, measure.Work]:
    """What augmentation adds to the passes of a step, by their names."""
    generator = setting.case.config.generator
    shape = (generator.image_channels, *generator.size())
    augmentation = open_augmentation(AdaConfig(groups=GROUPS), *shape)
    images = torch.randn(setting.case.batch, *shape, device=setting.device, requires_grad=True)
    works = {
        "generator": augment_fakes,
        "discriminator": augment_both,
        "r1": augment_reals_of_r1,
    }
    return {name: partial(work, augmentation, images) for name, work in works.items()}


def run(setting: measure.Setting) -> dict[str, object]:
    """Measure one case."""
    setting = replace(setting, case=replace(setting.case, compare=False))
    networks = step.build_forms(setting)["shipped"]
    forms = {
        "step": step.step_parts(networks, setting),
        "augmentation": augmentation_parts(setting),
    }
    rounds = measure.alternate(forms, setting)
    weights = step.weights(setting.case.config.training)
    result = setting.describe() | {"groups": GROUPS, "strength": STRENGTH}
    return measure.rounded(result | shares(rounds, weights))


def shares(rounds: dict[str, list[measure.Times]], weights: dict[str, float]) -> dict[str, object]:
    """Median seconds of both, and the share of augmentation in their sum, with its range."""
    totals = {
        form: [measure.weighted(times, {name: weights[name] for name in times}) for times in pairs]
        for form, pairs in rounds.items()
    }
    pairs = zip(totals["augmentation"], totals["step"], strict=True)
    found = sorted(added / (added + plain) for added, plain in pairs)
    return {
        "seconds": {form: statistics.median(values) for form, values in totals.items()},
        "share": statistics.median(found),
        "share_of_pairs": {"low": found[0], "high": found[-1]},
    }


if __name__ == "__main__":
    measure.main(run, "Cost of augmentation as a share of a training step with it.")
