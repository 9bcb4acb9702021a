"""Truncation, from full variety through the mean to its opposite (StyleGAN, Figure 8)."""

import torch

from stylesmith.figures.drawing import Drawing, Pictures
from stylesmith.figures.subject import Progress, Subject

PSIS = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""Of the columns, as published; on all layers."""
SEEDS = (91, 388)


def truncation(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 8: a row for each seed, a column for each psi."""
    columns = []
    for number, psi in enumerate(PSIS, 1):
        painter = subject.pipeline(psi=psi)
        sources = subject.sources(painter, SEEDS)
        columns.append(painter.draw(painter.codes(sources)).cpu())
        on_progress(number, len(PSIS))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 8. The effect of truncation as a function of the style scale psi, for "
        f"{subject.name}. At psi = 0 every row is the mean image; with negative psi comes the "
        "opposite, an anti-face."
    )
    words = [f"psi = {psi:g}" for psi in PSIS]
    return Drawing(caption, [[Pictures(images, columns=words)]])
