"""StyleGAN2-ADA files that differ from the plain case."""

import numpy as np
import pytest
import torch

from stylesmith import load
from stylesmith.errors import ModelError, UsageError
from stylesmith.models import load_bundle
from stylesmith.models.interop import stylegan2_ada, write_external
from stylesmith.models.interop.file_writer import ada_module, global_call, write_pickle
from tests.models.interop.makers import arrays, discriminator, generator
from tests.support import differing


def objects(tmp_path, *, kwargs=None, tensors=None, class_name="Generator", critic=None):
    """A pickle of G_ema (and D) as its program writes it, with some things different."""
    network = generator()
    content = stylegan2_ada.generator_names(network.config).write(arrays(network)) | (tensors or {})
    content = {name: a for name, a in content.items() if a is not None}
    settings = stylegan2_ada.network_kwargs(network.config) | (kwargs or {})
    value = {"G_ema": ada_module(class_name, settings, content)}
    if critic:
        value["D"] = critic
    write_pickle(tmp_path / "x.pkl", value)
    return tmp_path / "x.pkl"


def test_settings_side_by_side_as_in_the_later_repository(tmp_path):
    """There the arguments of synthesis are not gathered in a dictionary."""
    flat = stylegan2_ada.network_kwargs(generator().config)
    flat |= flat.pop("synthesis_kwargs")
    path = objects(tmp_path, kwargs=flat | {"fused_modconv_default": "inference_only"})
    assert differing(load(path).state_dict(), generator().state_dict()) == []


def test_settings_of_the_mapping_are_taken_over(tmp_path):
    mapping = {"num_layers": 2, "lr_multiplier": 0.1, "w_avg_beta": 0.998}
    found = load(objects(tmp_path, kwargs={"mapping_kwargs": mapping})).config.mapping
    assert (found.lr_multiplier, found.w_avg_beta) == (0.1, 0.998)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_name": "StyleGANXL"}, "G_ema is of class 'StyleGANXL', wanted Generator"),
        ({"kwargs": {"activation": "relu"}}, "activation is 'relu', wanted lrelu"),
        ({"kwargs": {"resample_filter": [1, 2, 1]}}, r"resample_filter is \[1, 2, 1\]"),
        ({"kwargs": {"architecture": "orig"}}, "architecture is 'orig', wanted skip"),
        ({"kwargs": {"self_attention": 2}}, "unknown setting self_attention = 2"),
        ({"tensors": {"synthesis.b4.const": None}}, "alias-free StyleGAN3 networks have no"),
        ({"tensors": {"mapping.w_avg": None}}, "w_avg .*is missing"),
        (
            {"tensors": {"synthesis.b8.conv0.resample_filter": np.eye(4, dtype=np.float32)}},
            r"synthesis\.b8\.conv0\.resample_filter is not the filter \[1,3,3,1\]",
        ),
        ({"tensors": {"synthesis.b8.extra": np.ones(3)}}, r"synthesis\.b8\.extra is unknown"),
    ],
)
def test_derivatives_are_refused(tmp_path, options, message):
    path = objects(tmp_path, **options)
    with pytest.raises(ModelError, match=message):
        load(path)


def test_half_precision_is_noted(tmp_path):
    synthesis = {"num_fp16_res": 4, "conv_clamp": 256, "fp16_channels_last": True}
    (report,) = load_bundle(objects(tmp_path, kwargs={"synthesis_kwargs": synthesis})).reports
    assert [note.partition(" ")[0] for note in report.notes] == ["num_fp16_res", "conv_clamp"]


def test_frozen_layers_keep_their_weights_in_buffers(tmp_path, monkeypatch):
    critic = discriminator()
    monkeypatch.setattr(
        "stylesmith.models.interop.file_writer.BUFFER_NAMES", ("weight", "bias", "resample_filter")
    )
    names = stylegan2_ada.discriminator_names(critic.config)
    kwargs = stylegan2_ada.network_kwargs(critic.config) | {"block_kwargs": {"freeze_layers": 13}}
    frozen = ada_module("Discriminator", kwargs, names.write(arrays(critic)))
    assert "_rebuild_parameter" not in str(frozen)
    found = load_bundle(objects(tmp_path, critic=frozen)).discriminator
    assert differing(found.state_dict(), critic.state_dict()) == []


def test_everything_else_in_such_a_file_is_left_alone(tmp_path):
    network = generator()
    content = stylegan2_ada.generator_names(network.config).write(arrays(network))
    kwargs = stylegan2_ada.network_kwargs(network.config)
    value = {
        "training_set_kwargs": global_call("collections", "OrderedDict", [("path", "x.zip")]),
        "G": None,
        "D": None,
        "G_ema": ada_module("Generator", kwargs, content),
        "augment_pipe": ada_module("AugmentPipe", {}, {"p": np.float32(0.3)}),
    }
    write_pickle(tmp_path / "x.pkl", value)
    assert differing(load(tmp_path / "x.pkl").state_dict(), network.state_dict()) == []


def test_a_group_of_the_whole_batch(tmp_path):
    critic = discriminator()
    content = stylegan2_ada.discriminator_names(critic.config).write(arrays(critic))
    kwargs = stylegan2_ada.network_kwargs(critic.config)
    kwargs["epilogue_kwargs"] = {"mbstd_group_size": None}
    path = objects(tmp_path, critic=ada_module("Discriminator", kwargs, content))
    found, images = load_bundle(path).discriminator, torch.randn(6, 3, 16, 16)
    whole = discriminator(stddev_group=6)
    torch.testing.assert_close(found(images), whole(images))


def test_state_dicts_load_where_only_weights_are_allowed(tmp_path):
    both = {"G_ema": generator(), "D": discriminator()}
    write_external(tmp_path / "x.pt", "ada", both)
    found = torch.load(tmp_path / "x.pt", weights_only=True)
    assert set(found) == {"G_ema", "D", "init_kwargs"}
    assert found["init_kwargs"]["G_ema"]["img_resolution"] == 16
    assert found["init_kwargs"]["D"]["architecture"] == "resnet"
    assert found["G_ema"]["synthesis.b4.const"].shape == (4, 4, 4)
    assert found["G_ema"]["synthesis.b16.conv1.noise_const"].shape == (16, 16)
    assert found["G_ema"]["synthesis.b8.conv0.resample_filter"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "adain", "connection": "grow"}, "wants kind modulated, this network has adain"),
        ({"connection": "grow"}, "wants connection orig or skip or resid, this network has grow"),
        ({"base": (4, 6)}, r"wants base \(4, 4\), this network has \(4, 6\)"),
        ({"demodulate": False}, "wants demodulate True"),
        ({"spectral_norm": True}, "wants spectral_norm False"),
        ({"label_size": 2}, "labels enter by label_mode embed, here concat"),
    ],
)
def test_networks_that_the_format_has_not_are_not_written(tmp_path, fields, message):
    with pytest.raises(ModelError, match=message):
        write_external(tmp_path / "x.pt", "ada", {"G_ema": generator(**fields)})
    assert list(tmp_path.iterdir()) == []


def test_suffixes_of_formats(tmp_path):
    with pytest.raises(UsageError, match=r"format ada is written to \.pt or \.pkl files"):
        write_external(tmp_path / "x.onnx", "ada", {"G_ema": generator()})
