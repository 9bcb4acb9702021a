"""Truncation, from full variety through the mean to its opposite (StyleGAN, Figure 8)."""

import torch

from stylesmith.figures.drawing import FigureLayout, ImagePanel
from stylesmith.figures.subject import FigureInput, ProgressCallback

TRUNCATION_PSIS = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""Of the columns, as published; on all layers."""
DEFAULT_TRUNCATION_SEEDS = (91, 388)


def truncation_trick(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 8: a row for each seed, a column for each psi."""
    columns = []
    for number, psi in enumerate(TRUNCATION_PSIS, 1):
        painter = subject.pipeline(psi=psi)
        sources = subject.sources(painter, DEFAULT_TRUNCATION_SEEDS)
        columns.append(painter.draw(painter.codes(sources)).cpu())
        on_progress(number, len(TRUNCATION_PSIS))
    images = torch.stack(columns, dim=1)
    caption = (
        f"StyleGAN, Figure 8. The effect of truncation as a function of the style scale psi, for "
        f"{subject.name}. At psi = 0 every row is the mean image; with negative psi comes the "
        "opposite, an anti-face."
    )
    words = [f"psi = {psi:g}" for psi in TRUNCATION_PSIS]
    return FigureLayout(caption, [[ImagePanel(images, columns=words)]])
