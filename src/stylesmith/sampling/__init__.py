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
from stylesmith.sampling.directions import (
    Direction,
    boundary_direction,
    channel_direction,
    orthogonalize,
    pca_directions,
    read_direction,
    save_direction,
    sefa_directions,
)
from stylesmith.sampling.editing import (
    MixingRow,
    draw_edited,
    mix_styles,
    write_editing_grid,
    write_mixing_grid,
)
from stylesmith.sampling.image_files import draw_batches, write_folder, write_grid
from stylesmith.sampling.latent_files import load_latents, save_latents
from stylesmith.sampling.parsing import parse_layers
from stylesmith.sampling.stochastic_variation import (
    measure_noise_variation,
    write_noise_layers_figure,
    write_variation_figure,
)
from stylesmith.sampling.video import (
    latent_path,
    mixing_path,
    noise_path,
    render_frames,
    write_video,
)

__all__ = [
    "Direction",
    "LatentCodes",
    "LayerIndices",
    "MixingRow",
    "NoiseSettings",
    "SamplingPipeline",
    "SamplingSettings",
    "SavedLatent",
    "SeedOrLatent",
    "boundary_direction",
    "channel_direction",
    "draw_batches",
    "draw_edited",
    "latent_path",
    "load_latents",
    "measure_noise_variation",
    "mix_styles",
    "mixing_path",
    "noise_path",
    "orthogonalize",
    "parse_layers",
    "pca_directions",
    "read_direction",
    "render_frames",
    "sample_w",
    "save_direction",
    "save_latents",
    "sefa_directions",
    "write_editing_grid",
    "write_folder",
    "write_grid",
    "write_mixing_grid",
    "write_noise_layers_figure",
    "write_variation_figure",
    "write_video",
]
