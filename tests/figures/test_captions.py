from pathlib import Path

import torch

from stylesmith.config import GeneratorConfig
from stylesmith.figures.figure_input import (
    describe_noise_inputs,
    describe_sources,
    describe_style_layers,
)
from stylesmith.sampling import SavedLatent

MODULATED = GeneratorConfig(base=(4, 3), levels=4)


def test_sources_are_described_as_users_name_them():
    saved = SavedLatent(Path("a/face.safetensors"), torch.zeros(2, 2), [], "")
    assert describe_sources([6600, 6601, 6602, 5]) == "seeds 6600-6602,5"
    assert describe_sources([saved, 3]) == "seed 3 and face"


def test_styles_are_counted_two_a_resolution_and_noise_by_its_maps():
    assert describe_style_layers((0, 1, 2, 3), MODULATED) == "layers 0-3 (3x4-6x8)"
    assert describe_style_layers((2, 3), MODULATED) == "layers 2-3 (6x8)"
    assert describe_noise_inputs((0, 1, 2, 3), MODULATED) == "inputs 0-3 at 3x4-12x16"
    assert describe_noise_inputs((4, 5, 6, 7), MODULATED) == "inputs 4-6 at 12x16-24x32"
