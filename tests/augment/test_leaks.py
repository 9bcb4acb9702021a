"""The sentence on what augmentation may leave in generated images."""

import pytest

from stylesmith.augment.leaks import LEAKS, describe_leaks
from stylesmith.config.augment import ADA_GROUPS, AdaConfig, DiffAugmentConfig


def test_it_names_what_the_groups_in_use_leave():
    assert describe_leaks(AdaConfig(), 0.847) == (
        "The strength of augmentation is 0.85. Above 0.8 it may show in generated images: "
        "mirrored or turned, rotated or stretched, tinted or inverted."
    )
    assert describe_leaks(AdaConfig(groups="cutout"), 1.0).endswith("images: partly gray.")
    assert set(LEAKS) == set(ADA_GROUPS)


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.8])
def test_it_is_silent_up_to_the_bound(strength):
    assert describe_leaks(AdaConfig(), strength) == ""


def test_it_is_silent_for_what_is_meant_for_full_strength():
    assert describe_leaks(DiffAugmentConfig(), 1.0) == ""
