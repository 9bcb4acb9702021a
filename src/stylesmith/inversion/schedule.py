"""How fast and how boldly to search, as functions of time (StyleGAN2, appendix D).

Time runs from 0 to 1 over the steps of a projection.
"""

import math

from stylesmith.inversion.settings import ProjectionForm

RAMP_UP, RAMP_DOWN = 0.05, 0.25
"""Shares of the time in which the rate rises from zero and falls back to it."""
W_NOISE_END = 0.75
"""Share of the time in which noise is added to w."""
W_NOISE_SCALE = 0.05


def learning_rate_factor(time: float) -> float:
    """Share of the largest rate: a linear rise, a plateau, a cosine fall."""
    fall = min(1.0, (1 - time) / RAMP_DOWN)
    return min(1.0, time / RAMP_UP) * (0.5 - 0.5 * math.cos(math.pi * fall))


def w_noise_std(time: float, sigma: float, form: ProjectionForm = "code") -> float:
    """Standard deviation of the noise on each number of w.

    The paper writes N(0, 0.05 sigma t^2), t falling from 1 to 0. In the published code that is a
    standard deviation; the form `paper` reads it as a variance.

    Args:
        time: 0..1.
        sigma: sigma, the root mean square distance of w to its mean.
        form: Which reading.
    """
    strength = W_NOISE_SCALE * sigma * max(0.0, 1 - time / W_NOISE_END) ** 2
    return strength if form == "code" else math.sqrt(strength)
