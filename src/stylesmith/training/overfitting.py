"""Overfitting of the discriminator, told by its scores of images that are kept from training.

Source: StyleGAN2-ADA (Karras et al. 2020), section 2 and equation 1.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch

from stylesmith.augment.controller import WINDOW, Overfitting
from stylesmith.formatting import format_image_count

BEGINS, COMPLETE = 0.5, 1.0
"""Values of r_v at which overfitting begins, and at which held-out images pass for generated."""
SMOOTHED_RECORDS = 5
"""Neighboring records whose median tells from when on the discriminator overfits."""


def overfitting_signals(means: Mapping[str, float]) -> dict[str, float]:
    """The two signals of overfitting, from means over some steps.

    Args:
        means: Mean scores and shares of positive signs, as `loss_passes` names them.

    Returns:
        `r_t`, the mean sign of scores of training images, -1..1; and where images are held out
        `r_v`, how far their scores lie from those of training images, relative to those of
        generated ones: 0 where they are equal, 1 where held-out images score as generated ones.
        `r_t` is left out where scores have no meaningful sign (WGAN-GP).
    """
    stats = {
        "real_signs": 2 * means.get("sign_real", math.nan) - 1,
        "real_scores": means.get("score_real", math.nan),
        "fake_scores": means.get("score_fake", math.nan),
        "held_out_scores": means.get("score_held_out", math.nan),
    }
    window = [stats.get(name, 1.0) for name in WINDOW]
    found = Overfitting.of(torch.tensor(window, dtype=torch.float64))
    signals = {"r_t": float(found.r_t), "r_v": float(found.r_v)}
    return {name: value for name, value in signals.items() if not math.isnan(value)}


def overfits_since(records: Sequence[Mapping[str, Any]], limit: float) -> int | None:
    """Images seen from which on r_v stays above a limit; None where it does not at the end.

    Args:
        records: Progress records of a log with a number under `r_v`, in order.
        limit: Value of r_v.
    """
    values = [record["r_v"] for record in records]
    half, since = SMOOTHED_RECORDS // 2, None
    for index, record in enumerate(records):
        nearby = median(values[max(0, index - half) : index + half + 1])
        if nearby <= limit:
            since = None
        elif since is None:
            since = int(record["images_seen"])
    return since


def describe_overfitting(records: Sequence[Mapping[str, Any]]) -> str:
    """Whether the discriminator overfits, since when, and what to do; empty without records.

    Args:
        records: As in `overfits_since`.
    """
    if not records:
        return ""
    ratio = median(record["r_v"] for record in records[-2 * SMOOTHED_RECORDS :])
    if ratio <= BEGINS:
        return (
            "It scores images that it has never seen nearly like those it learns from (r_v "
            f"{ratio:.2g}; 0 is equal): it does not overfit."
        )
    since = overfits_since(records, COMPLETE if ratio > COMPLETE else BEGINS)
    when = "" if since is None else f", since {format_image_count(since)} images"
    if ratio <= COMPLETE:
        return (
            f"It begins to overfit{when}: it scores images that it has never seen lower than those "
            f"it learns from (r_v {ratio:.2g}; 0 is equal, at 1 they pass for generated ones)."
        )
    return (
        f"It overfits{when}: images that it has never seen pass for generated ones (r_v "
        f"{ratio:.2g}), so it knows those that it learns from by heart. Augment them (--augment "
        "ada in a new run), bring more images, or keep a snapshot of before."
    )
