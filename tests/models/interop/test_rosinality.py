"""Checkpoints of rosinality/stylegan2-pytorch that differ from the plain case."""

import argparse

import pytest
import torch

from stylesmith import load
from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop import rosinality, write_external
from tests.models.interop.makers import arrays, discriminator, generator
from tests.support import differing


def states(network) -> dict[str, torch.Tensor]:
    names = (
        rosinality.generator_names(network.config)
        if hasattr(network, "synthesis")
        else rosinality.discriminator_names(network.config)
    )
    content = names.write(arrays(network))
    content.pop("latent_avg", None)
    return {name: torch.tensor(array) for name, array in content.items()}


def training_checkpoint(path, *, zipped=True):
    """What training saves: optimizers and arguments too, and no mean of w."""
    parameter = torch.nn.Parameter(torch.randn(3))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
    value = {
        "g": states(generator(seed=2)),
        "d": states(discriminator(seed=3)),
        "g_ema": states(generator(seed=1)),
        "g_optim": optimizer.state_dict(),
        "d_optim": optimizer.state_dict(),
        "args": argparse.Namespace(size=16, channel_multiplier=2, path="data"),
        "ada_aug_p": 0.0,
    }
    torch.save(value, path, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("zipped", [True, False])
def test_training_checkpoints(tmp_path, zipped):
    training_checkpoint(tmp_path / "550000.pt", zipped=zipped)
    bundle = load_bundle(tmp_path / "550000.pt")
    assert differing(bundle.ema.state_dict(), generator(seed=1).state_dict()) == ["mapping.w_avg"]
    wanted = discriminator(seed=3).state_dict()
    assert differing(bundle.discriminator.state_dict(), wanted) == []
    note = "no mean of w in the file; it is the mean over 10,000 random z"
    assert note in bundle.reports[0].notes and note in bundle.reports[1].notes


def test_a_missing_mean_is_estimated(tmp_path):
    training_checkpoint(tmp_path / "x.pt")
    mapping = load(tmp_path / "x.pt").mapping
    z = torch.randn(50_000, 6, generator=torch.Generator().manual_seed(5))
    with torch.enable_grad():  # in one block
        w = mapping(z)
    error = 6 * w.std(0) / 10_000**0.5
    assert ((mapping.w_avg - w.mean(0)).abs() < error).all()
    assert mapping.w_avg.abs().max() > 0


def test_a_bare_generator(tmp_path):
    torch.save(states(generator()), tmp_path / "x.pt")
    found = load(tmp_path / "x.pt").state_dict()
    assert differing(found, generator().state_dict()) == ["mapping.w_avg"]


def test_widths_are_read_from_the_shapes(tmp_path):
    wide = generator(levels=6, channel_base=512, max_channels=32)
    write_external(tmp_path / "x.pt", "rosinality", {"G_ema": wide})
    config = load(tmp_path / "x.pt").config
    assert [config.channels(level) for level in range(6)] == [32, 32, 32, 16, 8, 4]
    assert config.size() == (128, 128)


def test_tensors_load_where_only_weights_are_allowed(tmp_path):
    both = {"G_ema": generator(), "D": discriminator()}
    remarks = write_external(tmp_path / "x.pt", "rosinality", both)
    found = torch.load(tmp_path / "x.pt", weights_only=True)
    assert set(found) == {"g_ema", "d", "latent_avg"}
    assert found["g_ema"]["convs.0.conv.weight"].shape == (1, 4, 4, 3, 3)
    assert found["g_ema"]["to_rgb1.bias"].shape == (1, 3, 1, 1)
    assert found["g_ema"]["convs.0.conv.blur.kernel"].sum() == pytest.approx(4)
    assert found["d"]["convs.1.conv2.0.kernel"].sum() == pytest.approx(1)
    assert found["latent_avg"].shape == (6,)
    assert remarks == [
        "feature maps per level are [4, 4, 4], which other readers have no setting for"
    ]


@pytest.mark.parametrize(("base", "multiplier"), [(32768, 2), (16384, 1)])
def test_a_remark_says_how_to_make_the_network(tmp_path, base, multiplier):
    full = generator(levels=5, channel_base=base, max_channels=512)
    (remark,) = write_external(tmp_path / "x.pt", "rosinality", {"G_ema": full})
    assert remark == (
        f"for a generator of size 64, style_dim 6, n_mlp 2, channel_multiplier {multiplier}"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"connection": "resid"}, "wants connection skip"),
        ({"label_size": 2}, "wants label_size 0"),
        ({"noise": False}, "wants noise True"),
    ],
)
def test_networks_that_the_format_has_not_are_not_written(tmp_path, fields, message):
    with pytest.raises(ModelError, match=message):
        write_external(tmp_path / "x.pt", "rosinality", {"G_ema": generator(**fields)})


def test_another_filter_is_refused(tmp_path):
    content = states(generator())
    content["to_rgbs.0.upsample.kernel"] = torch.eye(4)
    torch.save({"g_ema": content}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"upsample\.kernel is not the filter \[1,3,3,1\]"):
        load(tmp_path / "x.pt")


def test_a_missing_layer_is_named(tmp_path):
    content = states(generator())
    del content["convs.1.activate.bias"]
    torch.save({"g_ema": content}, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"there convs\.1\.activate\.bias\) is missing"):
        load(tmp_path / "x.pt")
