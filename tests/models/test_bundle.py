"""All networks of a model together, from whatever holds them."""

import json
import shutil

import pytest
import torch

from stylesmith import load
from stylesmith.errors import ModelError
from stylesmith.models import Bundle, RunFolder, largest_difference, load_bundle, save_bundle
from stylesmith.models.interop import write_external
from stylesmith.tensor_file import read_tensor_file, write_tensor_file
from tests.models.interop.makers import discriminator, generator
from tests.support import DAMAGES, differing


def states(bundle: Bundle):
    return {role: network.state_dict() for role, network in bundle.networks().items()}


@pytest.fixture
def bundle() -> Bundle:
    about = {"source": "photos", "licence": "ours"}
    return Bundle(generator(seed=1), generator(seed=2), discriminator(), about, "# card\n")


def test_a_model_folder_keeps_all_networks_and_notes(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    found = load_bundle(tmp_path / "model")
    for role, state in states(bundle).items():
        assert differing(found.networks()[role].state_dict(), state) == []
    assert (found.about, found.card) == (bundle.about, bundle.card)
    assert not any(n.training for n in found.networks().values())
    loaded = load(tmp_path / "model", device="cpu")
    assert differing(loaded.state_dict(), bundle.ema.state_dict()) == []
    assert set(load_bundle(tmp_path / "model", trained=False).networks()) == {"G_ema"}


def test_networks_of_an_earlier_model_do_not_stay(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    save_bundle(tmp_path / "model", Bundle(bundle.ema))
    assert set(load_bundle(tmp_path / "model").networks()) == {"G_ema"}


def test_a_run_gives_what_its_newest_checkpoint_holds(finished_run):
    tensors, _ = read_tensor_file(finished_run.checkpoints()[0])
    for source in (finished_run.path, finished_run.checkpoints()[0]):
        found = states(load_bundle(source))
        for role, prefix in (("G_ema", "ema"), ("G", "generator"), ("D", "discriminator")):
            wanted = {name: tensors[f"{prefix}.{name}"] for name in found[role]}
            assert differing(found[role], wanted) == []
    assert "preset" in load_bundle(finished_run.path).about
    assert "tiny" in load_bundle(finished_run.path).card
    assert set(load_bundle(finished_run.path, trained=False).networks()) == {"G_ema"}


def test_a_snapshot_has_its_average_alone(finished_run):
    assert set(load_bundle(finished_run.snapshots()[0]).networks()) == {"G_ema"}


@pytest.mark.parametrize("damage", DAMAGES, ids=["garbled", "truncated", "emptied"])
@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_damage_is_named(bundle, tmp_path, name, damage):
    save_bundle(tmp_path / "model", bundle)
    damage(tmp_path / "model" / f"{name}.safetensors")
    with pytest.raises(ModelError, match=rf"{name}\.safetensors: damaged"):
        load_bundle(tmp_path / "model")


def test_a_discriminator_without_configuration_is_refused(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    write_tensor_file(tmp_path / "model" / "discriminator.safetensors", {}, {}, kind="model")
    with pytest.raises(ModelError, match="damaged: input should be a valid dictionary"):
        load_bundle(tmp_path / "model")


def test_notes_that_cannot_be_read_are_left_out(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    (tmp_path / "model" / "config.json").write_text("{")
    assert load_bundle(tmp_path / "model").about == {}


def test_published_weights_bring_their_licence_and_report(tmp_path):
    both = {"G_ema": generator(), "D": discriminator()}
    write_external(tmp_path / "x.pt", "ada", both)
    found = load_bundle(tmp_path / "x.pt")
    assert found.about["format"] == "ada" and found.about["source"] == "x.pt"
    assert "non-commercial" in found.about["licence"]
    assert found.about["import"]["G_ema"]["missing"] == []
    assert "tensors" in found.card and found.about["licence"] in found.card
    json.dumps(found.about)


def test_a_file_with_the_trained_generator_alone_says_so(tmp_path):
    write_external(tmp_path / "x.pt", "ada", {"G": generator(seed=2)})
    bundle = load_bundle(tmp_path / "x.pt")
    assert differing(bundle.ema.state_dict(), generator(seed=2).state_dict()) == []
    assert set(bundle.networks()) == {"G_ema"}
    assert "no averaged generator in the file" in " ".join(bundle.reports[0].notes)
    assert differing(load(tmp_path / "x.pt").state_dict(), generator(seed=2).state_dict()) == []


def test_difference_is_seen_in_every_network(bundle):
    same = Bundle(bundle.ema, bundle.generator, bundle.discriminator)
    assert largest_difference(bundle, same) == 0
    assert largest_difference(bundle, Bundle(generator(seed=3))) > 1e-3
    assert largest_difference(bundle, Bundle(bundle.ema, generator(seed=3))) > 1e-3
    other = Bundle(bundle.ema, bundle.generator, discriminator(seed=3))
    assert largest_difference(bundle, other) > 1e-3
    labels = Bundle(generator(label_size=3), None, discriminator(label_size=3))
    assert largest_difference(labels, labels) == 0


def test_a_run_survives_being_moved(finished_run, tmp_path):
    moved = RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))
    shutil.rmtree(moved.model)
    assert set(load_bundle(moved.path).networks()) == {"G_ema", "G", "D"}
    z = torch.randn(1, load_bundle(moved.path).ema.config.mapping.z_dim)
    assert load_bundle(moved.path).ema(z).isfinite().all()
