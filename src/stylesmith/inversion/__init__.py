"""From images back to codes: projection, attribution, and tuning a network to a picture.

Source: StyleGAN2, section 5 and appendix D.
"""

from stylesmith.inversion.measure import choose_distance
from stylesmith.inversion.noise_regularizer import noise_regularizer
from stylesmith.inversion.project import ProjectionResult, Projector
from stylesmith.inversion.search import LatentOptimizer
from stylesmith.inversion.settings import ProjectionSettings
from stylesmith.inversion.targets import ProjectionTarget, read_targets
from stylesmith.inversion.w_statistics import WStatistics, w_statistics

__all__ = [
    "ProjectionResult",
    "ProjectionSettings",
    "Projector",
    "LatentOptimizer",
    "ProjectionTarget",
    "WStatistics",
    "choose_distance",
    "noise_regularizer",
    "read_targets",
    "w_statistics",
]
