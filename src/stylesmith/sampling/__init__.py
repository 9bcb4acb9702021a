"""Drawing with a trained generator: truncation, mixing, noise, videos, editing.

A `SamplingPipeline` is a generator with settings; it turns sources (seeds, or the codes of a latent
file) into codes (one w per layer, and the noise maps), and codes into images.

Source: StyleGAN, section 3 and appendix B, Figures 3 to 5 and 8.
"""

from stylesmith.networks.latent_codes import LatentCodes, SavedLatent, SeedOrLatent
from stylesmith.networks.layer_indices import LayerIndices
from stylesmith.networks.sampling_pipeline import (
    NoiseSettings,
    SamplingPipeline,
    SamplingSettings,
    sample_w,
)
from stylesmith.sampling.editing import MixingRow, mix_styles
from stylesmith.sampling.image_files import draw_batches
from stylesmith.sampling.latent_files import read_latent_file, write_latent_file
from stylesmith.sampling.stochastic_variation import measure_noise_variation

__all__ = [
    "LatentCodes",
    "LayerIndices",
    "MixingRow",
    "NoiseSettings",
    "SamplingPipeline",
    "SamplingSettings",
    "SavedLatent",
    "SeedOrLatent",
    "draw_batches",
    "measure_noise_variation",
    "mix_styles",
    "read_latent_file",
    "sample_w",
    "write_latent_file",
]
