"""Drawing with a trained generator: truncation, mixing, noise, videos, editing.

A `Painter` is a generator with settings; it turns sources (seeds, or the codes of a latent file)
into codes (one w per layer, and the noise maps), and codes into images.

Source: StyleGAN, section 3 and appendix B, Figures 3 to 5 and 8.
"""

from stylesmith.sampling.codes import Codes
from stylesmith.sampling.direction import Direction, read_direction, save_direction, without
from stylesmith.sampling.draw import draw_batches, write_folder, write_grid
from stylesmith.sampling.edit import draw_edited, editing_sheet
from stylesmith.sampling.find import from_channel, from_classifier, from_samples, from_weights
from stylesmith.sampling.layers import Layers, named_layers, parse_layers
from stylesmith.sampling.mix import MixedRow, mix, mixing_sheet
from stylesmith.sampling.motions import frames, mixing_walk, noise_turn, walk
from stylesmith.sampling.movie import write_movie
from stylesmith.sampling.noise_sheets import components_sheet, variation_sheet
from stylesmith.sampling.painter import Painter
from stylesmith.sampling.settings import NoiseChoice, Settings
from stylesmith.sampling.sources import SavedCodes, Source, read_codes, save_codes
from stylesmith.sampling.variation import vary
from stylesmith.sampling.w_samples import sample_w

__all__ = [
    "Codes",
    "Direction",
    "Layers",
    "MixedRow",
    "NoiseChoice",
    "Painter",
    "SavedCodes",
    "Settings",
    "Source",
    "components_sheet",
    "draw_batches",
    "draw_edited",
    "editing_sheet",
    "frames",
    "from_channel",
    "from_classifier",
    "from_samples",
    "from_weights",
    "mix",
    "mixing_sheet",
    "mixing_walk",
    "named_layers",
    "noise_turn",
    "parse_layers",
    "read_codes",
    "read_direction",
    "sample_w",
    "save_codes",
    "save_direction",
    "variation_sheet",
    "vary",
    "walk",
    "without",
    "write_folder",
    "write_grid",
    "write_movie",
]
