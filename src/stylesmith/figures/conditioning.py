"""How evenly a generator reacts to all directions of w (StyleGAN2, appendix C, Figure 17)."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from stylesmith.figures.drawing import ChartPanel, FigureLayout
from stylesmith.figures.jacobian import jacobian, singular_values
from stylesmith.figures.subject import FigureInput, ProgressCallback
from stylesmith.perception.inputs import disable_tf32
from stylesmith.sampling import SamplingPipeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_JACOBIANS = 10
"""Random w at which the Jacobian is computed."""
MAX_PIXELS_PER_BATCH = 1 << 15
"""Of all images that are pushed forward at once; 32 at 32x32."""


def jacobian_conditioning(subject: FigureInput, on_progress: ProgressCallback) -> FigureLayout:
    """Figure 17: mean and standard deviation of the sorted singular values."""
    count = subject.options.count or DEFAULT_JACOBIANS
    curves = [(one.name, normalized_spectra(one, on_progress)) for one in subject.compared_inputs()]
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
    return FigureLayout(caption, [[ChartPanel(lambda axes: _plot_spectra(axes, curves))]])


def normalized_spectra(subject: FigureInput, on_progress: ProgressCallback) -> Tensor:
    """Singular values at the w of the first seeds, largest first and divided by it: `(N, D)`."""
    painter, count = subject.pipeline(), subject.options.count or DEFAULT_JACOBIANS
    rows = []
    for seed in range(count):
        rows.append(normalized_spectrum(painter, painter.ws([seed])[0, 0]))
        on_progress(seed + 1, count)
    return torch.stack(rows)


def normalized_spectrum(painter: SamplingPipeline, w: Tensor) -> Tensor:
    """Singular values at one w `(D,)`, which goes to all layers, divided by the largest: `(D,)`."""
    generator = painter.generator
    height, width = generator.image_size

    def draw(w: Tensor) -> Tensor:
        return generator.draw(generator.broadcast(w))

    with disable_tf32():
        matrix = jacobian(
            draw, w, batch_size=max(1, min(MAX_PIXELS_PER_BATCH // (height * width), len(w)))
        )
    values = singular_values(matrix)
    return values / values[0]


def _plot_spectra(axes: "Axes", curves: list[tuple[str, Tensor]]) -> None:
    for name, values in curves:
        places = range(1, values.shape[1] + 1)
        mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
        lower = (mean - deviation).clamp(min=values.amin(dim=0))  # an axis of powers has no zero
        (line,) = axes.plot(places, mean, label=name)
        axes.fill_between(places, lower, mean + deviation, color=line.get_color(), alpha=0.25, lw=0)
    axes.set_yscale("log")
    axes.set(xlabel="singular value, by size", ylabel="magnitude, largest = 1")
    axes.legend(frameon=False)
