"""Images that mix several latents (StyleGAN, Table 2): names, layers, and numbers."""

import pytest
import torch

from stylesmith.data.dataset import open_dataset
from stylesmith.errors import UsageError
from stylesmith.metrics.image_sources import DataSource, ModelSource
from stylesmith.metrics.protocol import Metric, parse_metric
from stylesmith.networks import Growth
from tests.metrics.fakes import tiny_model, tiny_network
from tests.support import make_photos


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("fid_mix2", Metric("fd", "inception", 50_000, max_reals=50_000, mixed_latents=2)),
        ("fid_mix3_50k_full", Metric("fd", "inception", 50_000, all_reals=True, mixed_latents=3)),
        ("fd_random_mix4_5k", Metric("fd", "random", 5_000, max_reals=5_000, mixed_latents=4)),
        ("pr_mix2_800_5", Metric("pr", "vgg16", 800, max_reals=800, k=5, mixed_latents=2)),
    ],
)
def test_names_tell_how_many_latents_are_mixed_and_read_back(name, metric):
    assert parse_metric(name) == metric
    assert parse_metric(metric.name) == metric
    assert "mix1" not in parse_metric("fid").name


@pytest.mark.parametrize("name", ["fid_mix", "fid_mix0", "fid_mix12", "ppl_mix2_wend", "ls_mix2"])
def test_what_cannot_be_mixed_has_no_name(name):
    with pytest.raises(UsageError):
        parse_metric(name)


def test_one_latent_is_the_plain_image():
    model = tiny_model()
    ws = model.ws(range(5))
    assert torch.equal(ws, model.generator.broadcast(model.w(model.z(range(5)), None)))


@pytest.mark.parametrize("latents", [2, 3, 4])
def test_an_image_mixes_runs_of_layers_from_at_most_so_many_latents(latents):
    model = tiny_model(levels=4).with_mixing(latents)
    numbers = [len(row.unique(dim=0)) for row in model.ws(range(400))]
    assert max(numbers) == latents and min(numbers) >= 2
    for row in model.ws(range(20)):
        changes = (row[1:] != row[:-1]).any(dim=1)
        assert int(changes.sum()) + 1 == len(row.unique(dim=0))  # none comes back


def test_the_first_layer_is_of_the_plain_latent_and_the_last_is_not():
    model = tiny_model()
    plain, mixed = model.ws(range(30)), model.with_mixing(2).ws(range(30))
    assert torch.equal(plain[:, 0], mixed[:, 0])
    assert (plain[:, -1] != mixed[:, -1]).any(dim=1).all()


@pytest.mark.parametrize(("level", "layers"), [(None, 8), (1, 4)])
def test_crossovers_are_uniform_among_the_layers_in_use(level, layers):
    network = tiny_network(levels=4, kind="adain", connection="grow")
    network.growth = None if level is None else Growth(level)
    ws = ModelSource(network, "tiny", mixed_latents=2).ws(range(3000))
    first = (ws != ws[:, :1]).any(dim=2).int().argmax(dim=1)
    share = torch.bincount(first, minlength=9).double() / len(ws)
    wanted = torch.zeros(9, dtype=torch.float64)
    wanted[1:layers] = 1 / (layers - 1)
    torch.testing.assert_close(share, wanted, atol=0.03, rtol=0)


def test_an_image_mixes_the_same_in_whatever_company():
    model = tiny_model().with_mixing(3)
    torch.testing.assert_close(model.ws(range(7, 8))[0], model.ws(range(12))[7])
    assert (model.with_seed(1).ws(range(12)) != model.ws(range(12))).any()


def test_plain_and_mixed_are_measured_side_by_side(measure, photos):
    model = tiny_model()
    together = measure(model, photos, "fd_random_32,fd_random_mix2_32,fd_random_mix3_32")
    values = {result.protocol: result.value for result in together}
    assert len(set(values.values())) == 3
    (alone,) = measure(model, photos, "fd_random_32")
    assert alone.value == values["fd_random_32"]
    (alone,) = measure(model, photos, "fd_random_mix2_32")
    assert alone.value == values["fd_random_mix2_32"]


def test_what_has_no_styles_is_refused(measure, photos, tmp_path):
    traditional = tiny_model(
        kind="traditional", connection="grow", constant_input=False, noise=False
    )
    with pytest.raises(UsageError, match=r"fd_random_mix2_8: mixes styles.*one w for all layers"):
        measure(traditional, photos, "fd_random_mix2_8")
    images = DataSource(open_dataset(make_photos(tmp_path / "images")))
    with pytest.raises(UsageError, match="holds images only"):
        measure(images, photos, "fd_random_mix2_8")
