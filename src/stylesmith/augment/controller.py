"""Control of the strength p of augmentation by the scores of the discriminator (ADA, section 3).

The scores of some steps, the window, are kept as sums; training adds to them and empties them. At
the end of the window p moves by a fixed step: up where the discriminator overfits more than the
target says, down where it does so less. All are tensors on the device of training, and nothing is
read on the host.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylesmith.config.augment import StrengthConfig

WINDOW = (
    *("real_signs", "real_scores", "reals"),
    *("fake_scores", "fakes", "held_out_scores", "held_out"),
)
"""Sums of a window, in the order of its tensor: scores, signs of scores, and numbers of images."""

DEFAULT_KIMG = 500.0
"""Thousands of images in which p goes from 0 to 1 where no setting says it."""

LEAK_BOUND = 0.8
"""Strength above which augmentations begin to show in generated images (ADA, section 2.2).

At 0.82 shifts by whole pixels can no longer be undone, and at 1 flips, turns and hues.
"""


def window_sums(
    reals: Tensor, fakes: Tensor | None = None, held_out: Tensor | None = None
) -> Tensor:
    """Sums of the scores of one batch, `(7,)`, to be added to a window.

    Args:
        reals: Scores of training images, of any shape; those of main and R1 passes count alike.
        fakes: Scores of generated images; only r_v needs them.
        held_out: Scores of held-out images, augmented with the same strength; only r_v needs them.
    """
    reals = reals.detach().float()
    sums = [reals.sign().sum(), reals.sum(), torch.full_like(reals.sum(), reals.numel())]
    for scores in (fakes, held_out):
        scores = reals.new_zeros(0) if scores is None else scores.detach().float()
        sums += [scores.sum(), torch.full_like(sums[0], scores.numel())]
    return torch.stack(sums)


@dataclass(frozen=True)
class Overfitting:
    """How much the discriminator overfits, by the scores of a window; each is `()`.

    Where no image of a kind was scored, what depends on it is not a number.
    """

    r_t: Tensor
    """Mean sign of the scores of training images, -1..1."""
    r_v: Tensor
    """Place of held-out images: 0 if they score as training images, 1 as generated ones, `()`."""
    distance: Tensor
    """Mean score of training images less that of generated ones."""

    @classmethod
    def of(cls, window: Tensor) -> "Overfitting":
        """The signals of a window, `(7,)`."""
        sums = dict(zip(WINDOW, window.unbind(), strict=True))
        real, fake = sums["real_scores"] / sums["reals"], sums["fake_scores"] / sums["fakes"]
        held_out = sums["held_out_scores"] / sums["held_out"]
        r_v = (real - held_out) / (real - fake).clamp(min=1e-8)
        return cls(sums["real_signs"] / sums["reals"], r_v, real - fake)


def direction(settings: StrengthConfig, window: Tensor) -> Tensor:
    """Whether p goes up (1), down (-1) or stays (0) after a window, `()`.

    With r_v it goes down where training and generated images are hardly told apart: there r_v is
    a quotient of two small numbers, and more augmentation would only make them smaller.
    """
    if settings.signal == "fixed":
        return torch.zeros_like(window[0])
    found = Overfitting.of(window)
    signal = found.r_t if settings.signal == "r_t" else found.r_v
    way = (signal - settings.target_value).sign()
    if settings.signal == "r_v":
        way = torch.where(found.distance < settings.guard, -1.0, way)
    return torch.where(signal.isnan(), 0.0, way)


def adjust(
    settings: StrengthConfig, strength: Tensor, window: Tensor, *, images: float | Tensor
) -> Tensor:
    """The strength after a window, in 0..1, `()`.

    Args:
        settings: Signal, target and speed.
        strength: Before the window, `()`.
        window: Sums of its scores over all processes, `(7,)`; a common factor changes nothing.
        images: Training images shown in the window, over all processes.
    """
    step = images / (1000 * (settings.kimg or DEFAULT_KIMG))
    return (strength + direction(settings, window) * step).clamp(0, 1)
