"""From images back to codes: projection, attribution, and tuning a network to an image.

Source: StyleGAN2, section 5 and appendix D.
"""

from stylesmith.inversion.latent_optimizer import LatentOptimizer, open_optimizer
from stylesmith.inversion.projection_targets import ProjectionTarget, read_targets
from stylesmith.inversion.projection_variables import ProjectionSettings, noise_regularizer
from stylesmith.inversion.projector import ProjectionResult, Projector

__all__ = [
    "LatentOptimizer",
    "ProjectionResult",
    "ProjectionSettings",
    "ProjectionTarget",
    "Projector",
    "noise_regularizer",
    "open_optimizer",
    "read_targets",
]
