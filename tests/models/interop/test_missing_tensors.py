"""Files that lack tensors: what is not learned is derived, what shapes show to be lost refused."""

import pytest
import torch

from stylesmith import load
from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop import stylegan2_ada, write_external
from stylesmith.models.interop.file_writer import ada_module, write_pickle
from tests.models.interop.makers import arrays, discriminator, generator, tensorflow_file
from tests.models.interop.test_rosinality import states
from tests.support import differing

NOISE_MAPS = [f"synthesis.noise_{i}" for i in range(5)]


def without(content, *parts):
    """A dictionary of tensors without those whose names contain any of these parts."""
    return {n: t for n, t in content.items() if not any(part in n for part in parts)}


def rosinality_file(folder, *parts, **fields):
    torch.save({"g_ema": without(states(generator(**fields)), *parts)}, folder / "x.pt")
    return folder / "x.pt"


def ada_file(folder, *parts, settings=None, **fields):
    network = generator(**fields)
    content = stylegan2_ada.generator_names(network.config).write(arrays(network))
    kwargs = stylegan2_ada.network_kwargs(network.config) | (settings or {})
    write_pickle(
        folder / "x.pkl", {"G_ema": ada_module("Generator", kwargs, without(content, *parts))}
    )
    return folder / "x.pkl"


def tensorflow_without(folder, *parts, **fields):
    network = generator(**fields)
    names = [f"synthesis/noise{i}" for i in range(5)] if "noise" in parts else list(parts)
    changes = dict.fromkeys(names)
    return tensorflow_file(folder / "x.pkl", network, discriminator(), changes=changes)


FILES = {
    "rosinality": (rosinality_file, "noises."),
    "ada": (ada_file, "noise_const"),
    "tensorflow": (tensorflow_without, "noise"),
}


@pytest.mark.parametrize("layout", FILES)
def test_noise_maps_are_drawn_the_same_way_every_time(tmp_path, layout):
    make, part = FILES[layout]
    path = make(tmp_path, part)
    bundle, again = load_bundle(path), load(path)
    assert differing(bundle.ema.state_dict(), again.state_dict()) == []
    different = set(differing(again.state_dict(), generator().state_dict()))
    assert different - {"mapping.w_avg"} == set(NOISE_MAPS)
    assert "5 noise maps are not in the file; drawn from seed 0" in bundle.reports[0].notes
    assert bundle.reports[0].missing == []
    maps = torch.cat([again.state_dict()[name].flatten() for name in NOISE_MAPS])
    assert maps.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("make", "part"), [(rosinality_file, "noise_1"), (ada_file, "b8.conv0.noise_const")]
)
def test_one_noise_map_among_others_is_no_layout_but_damage(tmp_path, make, part):
    with pytest.raises(ModelError, match=r"synthesis\.noise_1 \(there .*\) is missing"):
        load(make(tmp_path, part))


def test_constant_filters_need_not_be_there(tmp_path):
    found = load(ada_file(tmp_path, "resample_filter"))
    assert differing(found.state_dict(), generator().state_dict()) == []
    found = load(rosinality_file(tmp_path, ".kernel"))
    assert differing(found.state_dict(), generator().state_dict()) == ["mapping.w_avg"]


def test_a_mean_of_w_is_estimated_in_part_of_a_file(tmp_path):
    path = ada_file(tmp_path, "w_avg")
    with pytest.raises(ModelError, match=r"w_avg .* is missing"):
        load(path)
    bundle = load_bundle(path, partial=True)
    assert bundle.ema.mapping.w_avg.abs().max() > 0
    assert any(note.startswith("no mean of w") for note in bundle.reports[0].notes)


def test_a_lost_label_embedding_is_refused(tmp_path):
    """The mapping then takes more values than z has: images would be others, without a word."""
    conditional = {"mapping": {"z_dim": 12}}  # of which 6 were the embedding
    with pytest.raises(ModelError, match=r"takes 12 values and gives 6, .*embedding of labels"):
        load(rosinality_file(tmp_path, **conditional))
    path = ada_file(tmp_path, settings={"z_dim": 6, "c_dim": 3}, **conditional)
    with pytest.raises(ModelError, match="its setting z_dim is 6, but its tensors are for 12"):
        load(path)
    path = ada_file(tmp_path, settings={"c_dim": 3})
    with pytest.raises(ModelError, match="its setting c_dim is 3, but its tensors are for 0"):
        load(path)
    network = generator(**conditional)
    path = tensorflow_file(
        tmp_path / "y.pkl", network, discriminator(), settings={"latent_size": 6}
    )
    with pytest.raises(ModelError, match="its setting latent_size is 6, but its tensors are"):
        load(path)


def test_what_the_layout_cannot_hold_is_not_written_in_it(tmp_path):
    with pytest.raises(ModelError, match="one size"):
        write_external(tmp_path / "x.pt", "rosinality", {"G_ema": generator(mapping={"z_dim": 12})})
    assert list(tmp_path.iterdir()) == []
