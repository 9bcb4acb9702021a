"""How evenly a generator reacts to all directions of w (StyleGAN2, appendix C, Figure 17)."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stylesmith.figures.drawing import Chart, Drawing
from stylesmith.figures.jacobian import jacobian, singular_values
from stylesmith.figures.subject import Progress, Subject
from stylesmith.perception.inputs import full_precision
from stylesmith.sampling import Painter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COUNT = 10
"""Random w at which the Jacobian is computed."""
PIXELS = 1 << 15
"""Of all images that are pushed forward at once; 32 at 32x32."""


def conditioning(subject: Subject, on_progress: Progress) -> Drawing:
    """Figure 17: mean and standard deviation of the sorted singular values."""
    count = subject.options.count or COUNT
    curves = [(one.name, spectra(one, on_progress)) for one in subject.compared_inputs()]
    spreads = "; ".join(
        f"{name}: the middle one is {values.median(dim=1).values.mean():.2g} of the largest"
        for name, values in curves
    )
    caption = (
        "StyleGAN2, Figure 17. The mean and standard deviation of the magnitudes of sorted "
        f"singular values of the Jacobian matrix of g, evaluated at {count} random latent space "
        "points w, with the largest normalized to 1. Values closer to one another mean better "
        f"conditioning. {spreads}."
    )
    return Drawing(caption, [[Chart(lambda axes: _plot(axes, curves))]])


def spectra(subject: Subject, on_progress: Progress) -> Tensor:
    """Singular values at the w of the first seeds, largest first and divided by it: `(N, D)`."""
    painter, count = subject.pipeline(), subject.options.count or COUNT
    rows = []
    for seed in range(count):
        rows.append(spectrum(painter, painter.ws([seed])[0, 0]))
        on_progress(seed + 1, count)
    return torch.stack(rows)


def spectrum(painter: Painter, w: Tensor) -> Tensor:
    """Singular values at one w `(D,)`, which goes to all layers, divided by the largest: `(D,)`."""
    generator = painter.generator
    height, width = generator.image_size

    def draw(w: Tensor) -> Tensor:
        return generator.draw(generator.broadcast(w))

    with full_precision():
        matrix = jacobian(draw, w, batch_size=max(1, min(PIXELS // (height * width), len(w))))
    values = singular_values(matrix)
    return values / values[0]


def _plot(axes: "Axes", curves: list[tuple[str, Tensor]]) -> None:
    for name, values in curves:
        places = range(1, values.shape[1] + 1)
        mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
        lower = (mean - deviation).clamp(min=values.amin(dim=0))  # an axis of powers has no zero
        (line,) = axes.plot(places, mean, label=name)
        axes.fill_between(places, lower, mean + deviation, color=line.get_color(), alpha=0.25, lw=0)
    axes.set_yscale("log")
    axes.set(xlabel="singular value, by size", ylabel="magnitude, largest = 1")
    axes.legend(frameon=False)
