"""TensorFlow files that differ from the plain case: settings, parts that are missing or unknown."""

import numpy as np
import pytest
import torch

from stylesmith import load
from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop.file_writer import write_pickle
from stylesmith.networks import Generator
from tests.models.interop.makers import (
    discriminator,
    draw,
    generator,
    tensorflow_file,
    tensorflow_network,
    tensorflow_settings,
    variables,
)
from tests.models.interop.test_round_trips import EMBED, LABELS, QUIET, STYLEGAN, TRADITIONAL
from tests.support import differing


@pytest.fixture
def file(tmp_path):
    """`file(settings=..., changes=...)`: a StyleGAN2 file whose Gs is a little different."""
    return lambda fields=None, **options: tensorflow_file(
        tmp_path / "x.pkl", generator(**(fields or {})), discriminator(), **options
    )


def test_load_opens_it(file):
    found = load(file(), device="cpu")
    assert isinstance(found, Generator)
    assert differing(found.state_dict(), generator().state_dict()) == []
    assert not found.training and not any(p.requires_grad for p in found.parameters())


HARMLESS = {
    "truncation_psi": 0.5,
    "truncation_cutoff": 8,
    "style_mixing_prob": 0.9,
    "structure": "auto",
    "fused_modconv": True,
    "fmap_base": 8192,
    "dtype": "float32",
    "resample_kernel": [1, 3, 3, 1],
    "nonlinearity": "lrelu",
    "use_something_new": False,
    "other_path": None,
    "min_h": 4,
    "min_w": 4,
}


def test_harmless_settings_change_nothing(file):
    bundle = load_bundle(file(settings=HARMLESS))
    assert torch.equal(draw(bundle.ema), draw(generator()))
    notes = " ".join(bundle.reports[0].notes)
    assert "unknown setting use_something_new = False ignored" in notes
    assert "unknown setting other_path = None ignored" in notes


@pytest.mark.parametrize(
    ("fields", "settings", "message"),
    [
        ({}, {"nonlinearity": "relu"}, "setting nonlinearity is 'relu', wanted lrelu"),
        ({}, {"resample_kernel": [1, 2, 1]}, r"resample_kernel is \[1, 2, 1\]"),
        ({}, {"architecture": "resnet"}, "architecture is 'resnet', wanted skip"),
        ({}, {"min_h": 3}, "min_h is 3, wanted 4"),
        ({}, {"fmap_decay": 0.5}, "fmap_decay is 0.5"),
        ({}, {"mapping_lrmul": "slow"}, "mapping_lrmul is 'slow', wanted a number"),
        ({}, {"attention": True}, "unknown setting attention = True, which may change"),
        ({}, {"attention": 3}, r"unknown setting attention = 3.*--partial ignores it"),
        (STYLEGAN, {"use_pixel_norm": True}, "use_pixel_norm is True, wanted False"),
        (STYLEGAN, {"use_instance_norm": False}, "use_instance_norm is False, wanted True"),
        (STYLEGAN, {"blur_filter": [1, 3, 3, 1]}, "blur_filter"),
        (TRADITIONAL | QUIET, {"use_pixel_norm": False}, "use_pixel_norm"),
    ],
)
def test_settings_that_would_draw_other_images_are_refused(file, fields, settings, message):
    path = file(fields, settings=settings)
    with pytest.raises(ModelError, match=message):
        load(path)


def test_partial_ignores_an_unknown_setting(file):
    bundle = load_bundle(file(settings={"attention": 3}), partial=True)
    assert "unknown setting attention = 3 ignored" in bundle.reports[0].notes


def test_half_precision_is_noted(file):
    notes = load_bundle(file(settings={"num_fp16_res": 4, "conv_clamp": 256})).reports[0].notes
    assert any("num_fp16_res not taken over" in note for note in notes)


def test_settings_of_the_mapping_are_taken_over(file):
    path = file(settings={"mapping_lrmul": 0.1, "dlatent_avg_beta": 0.998})
    mapping = load(path).config.mapping
    assert (mapping.lr_multiplier, mapping.w_avg_beta) == (0.1, 0.998)


CONV = "synthesis/8x8/Conv1/bias"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({CONV: None}, rf"synthesis\.blocks\.1\.conv1\.bias \(there {CONV}\) is missing"),
        ({CONV: np.zeros(3, np.float32)}, r"is \(3,\), wanted \(4,\)"),
        ({CONV: np.zeros(4, np.int32)}, "holds int32"),
        ({"synthesis/8x8/Extra": np.zeros(1, np.float32)}, "synthesis/8x8/Extra is unknown"),
        ({"dlatent_avg": None}, r"mapping\.w_avg \(there dlatent_avg\) is missing"),
        ({"mapping/Dense1/weight": np.zeros((6, 7), np.float32)}, r"is \(6, 7\), wanted \(6, 6\)"),
        ({CONV: None, "synthesis/noise1": None, "dlatent_avg": None}, "and 2 more"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(file, changes, message):
    with pytest.raises(ModelError, match=message) as caught:
        load(file(changes=changes))
    assert "--partial" in str(caught.value)


CONV_WEIGHT, STYLE_WEIGHT = "synthesis/8x8/Conv1/weight", "synthesis/4x4/Conv/mod_weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({CONV_WEIGHT: None}, f"has no tensor {CONV_WEIGHT}, so its sizes are unknown"),
        ({CONV_WEIGHT: np.zeros((4, 4), np.float32)}, r"is \(4, 4\), wanted 4 axes of 1 or more"),
        ({STYLE_WEIGHT: np.zeros((6, 0), np.float32)}, r"is \(6, 0\), wanted 2 axes"),
        ({STYLE_WEIGHT: np.zeros((6, 4, 2), np.float32)}, "wanted 2 axes"),
        ({CONV_WEIGHT: np.zeros((3, 3, 4, 5), np.float32)}, r"per level are \[4, 5, 4\]; wanted"),
        (
            {"synthesis/64x64/Conv1/weight": np.zeros(1)},
            r"synthesis/32x32/Conv1/weight, so its sizes are unknown",
        ),
        ({"synthesis/24x24/Conv1/weight": np.zeros(1)}, "highest resolution 24, wanted a power"),
    ],
)
def test_sizes_that_no_network_has_are_refused(file, changes, message):
    with pytest.raises(ModelError, match=message):
        load(file(changes=changes))


def test_partial_takes_what_fits_and_reports_the_rest(file):
    extra = {CONV: None, "synthesis/8x8/Extra": np.zeros(1, np.float32)}
    bundle = load_bundle(file(changes=extra), partial=True, trained=False)
    assert differing(bundle.ema.state_dict(), generator().state_dict()) == [
        "synthesis.blocks.1.conv1.bias"
    ]
    (report,) = bundle.reports
    assert report.unknown == ["synthesis/8x8/Extra"] and len(report.missing) == 1
    lines = report.lines()
    assert "  unknown: synthesis/8x8/Extra" in lines
    assert "  missing: synthesis.blocks.1.conv1.bias (there synthesis/8x8/Conv1/bias)" in lines


def test_partial_wants_at_least_half(file):
    kept = {"synthesis/4x4/Conv/", "synthesis/8x8/", "synthesis/16x16/Conv1/weight"}
    names = [n for n in variables(generator()) if not any(n.startswith(k) for k in kept)]
    needed = {"synthesis/16x16/ToRGB/weight", "mapping/Dense0/weight"}
    changes = {n: None for n in names if n not in needed and "Conv0_up" not in n}
    changes |= {f"synthesis/noise{i}": None for i in range(5)}
    changes |= {"synthesis/4x4/ToRGB/weight": np.zeros((1, 1, 4, 3), np.float32)}
    changes |= {
        n: None for n in variables(generator()) if "mod_weight" in n and "4x4/Conv" not in n
    }
    with pytest.raises(ModelError, match="values fit, too few even for --partial"):
        load_bundle(file(changes=changes), partial=True, trained=False)


def test_a_network_that_was_still_growing_is_noted(file):
    path = file({"connection": "grow"}, changes={"lod": np.float32(2.5)})
    (report, *_) = load_bundle(path).reports
    assert "growing had not finished (lod 2.5)" in report.notes
    assert report.ignored == {"lod": "state of progressive growing"}


def test_noise_maps_that_no_layer_adds_are_ignored(file):
    stored = {f"synthesis/noise{i}": np.zeros((1, 1, 4, 4), np.float32) for i in range(2)}
    path = file(QUIET, changes=stored)
    (report, *_) = load_bundle(path).reports
    assert list(report.ignored.values()).count("noise that no layer adds") == 2


@pytest.mark.parametrize("role", ["G", "D"])
def test_a_lone_network(tmp_path, role):
    network = generator() if role == "G" else discriminator()
    settings = tensorflow_settings(network)
    lone = tensorflow_network("Gs", "function", 4, settings, variables(network))
    write_pickle(tmp_path / "x.pkl", lone)
    if role == "G":
        assert differing(load(tmp_path / "x.pkl").state_dict(), network.state_dict()) == []
    else:
        with pytest.raises(ModelError, match="has no G, only D"):
            load(tmp_path / "x.pkl")


def test_label_mapping_of_a_discriminator_is_refused_by_name(tmp_path):
    content = variables(discriminator())
    content["LabelEmbed/weight"] = np.zeros((3, 4), np.float32)
    networks = [
        tensorflow_network("G", "G", 4, tensorflow_settings(n), c)
        for n, c in (
            (generator(), variables(generator())),
            (discriminator(), content),
            (generator(), variables(generator())),
        )
    ]
    write_pickle(tmp_path / "x.pkl", tuple(networks))
    with pytest.raises(ModelError, match="label mapping is that of StyleGAN2-ADA in TensorFlow"):
        load_bundle(tmp_path / "x.pkl")
    assert isinstance(load(tmp_path / "x.pkl"), Generator)


def test_progan_with_labels_is_refused(file):
    fields = TRADITIONAL | QUIET | {"blur": False, "mapping": {"layers": 0}}
    with pytest.raises(ModelError, match="takes labels, but has no weights for them"):
        load(file(fields, settings={"label_size": 3}))


def test_both_label_modes_are_recognized(file):
    assert load(file(LABELS)).config.mapping.label_mode == "concat"
    assert load(file(LABELS | EMBED)).config.mapping.label_mode == "embed"


def test_other_networks_in_the_form_of_tensorflow(tmp_path):
    lone = tensorflow_network("inception", "build", 4, {}, {"conv/weight": np.zeros(3, np.float32)})
    write_pickle(tmp_path / "x.pkl", lone)
    with pytest.raises(ModelError, match=r"build is not a generator .* \(it has no ToRGB\)"):
        load(tmp_path / "x.pkl")
    write_pickle(tmp_path / "y.pkl", {"vgg": lone})
    with pytest.raises(ModelError, match="holds no network that stylesmith knows"):
        load(tmp_path / "y.pkl")
