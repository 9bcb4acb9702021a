from pathlib import Path

import torch

from stylesmith.config import GeneratorConfig
from stylesmith.figures.words import noise_at, sources_text, styles_at
from stylesmith.sampling import SavedCodes

MODULATED = GeneratorConfig(base=(4, 3), levels=4)


def test_sources_are_told_as_users_name_them():
    saved = SavedCodes(Path("a/face.safetensors"), torch.zeros(2, 2), [], "")
    assert sources_text([6600, 6601, 6602, 5]) == "seeds 6600-6602,5"
    assert sources_text([saved, 3]) == "seed 3 and face"


def test_styles_are_counted_two_a_resolution_and_noise_by_its_maps():
    assert styles_at((0, 1, 2, 3), MODULATED) == "layers 0-3 (3x4-6x8)"
    assert styles_at((2, 3), MODULATED) == "layers 2-3 (6x8)"
    assert noise_at((0, 1, 2, 3), MODULATED) == "inputs 0-3 at 3x4-12x16"
    assert noise_at((4, 5, 6, 7), MODULATED) == "inputs 4-6 at 12x16-24x32"
