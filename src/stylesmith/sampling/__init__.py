"""Drawing with a trained generator: truncation, mixing, noise, videos, editing.

A `SamplingPipeline` is a generator with settings; it turns sources (seeds, or the codes of a latent file)
into codes (one w per layer, and the noise maps), and codes into images.

Source: StyleGAN, section 3 and appendix B, Figures 3 to 5 and 8.
"""

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
from stylesmith.sampling.latent_codes import (
    LatentCodes,
    SavedLatent,
    SeedOrLatent,
    load_latents,
    save_latents,
)
from stylesmith.sampling.parsing import LayerIndices, layer_groups, parse_layers
from stylesmith.sampling.pipeline import NoiseSettings, SamplingPipeline, SamplingSettings, sample_w
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
    "LatentCodes",
    "Direction",
    "LayerIndices",
    "MixingRow",
    "NoiseSettings",
    "SamplingPipeline",
    "SavedLatent",
    "SamplingSettings",
    "SeedOrLatent",
    "write_noise_layers_figure",
    "draw_batches",
    "draw_edited",
    "write_editing_grid",
    "render_frames",
    "channel_direction",
    "boundary_direction",
    "pca_directions",
    "sefa_directions",
    "mix_styles",
    "write_mixing_grid",
    "mixing_path",
    "layer_groups",
    "noise_path",
    "parse_layers",
    "load_latents",
    "read_direction",
    "sample_w",
    "save_latents",
    "save_direction",
    "write_variation_figure",
    "measure_noise_variation",
    "latent_path",
    "orthogonalize",
    "write_folder",
    "write_grid",
    "write_video",
]
