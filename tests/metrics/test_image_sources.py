"""A source gives the same image for an index, in every process and batch."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylesmith.data.dataset import open_dataset
from stylesmith.devices import FP32
from stylesmith.errors import DataError, UsageError
from stylesmith.metrics.image_sources import (
    DataSource,
    ModelSource,
    SourceOptions,
    check_comparable,
    open_sources,
)
from tests.metrics.fakes import tiny_model, tiny_network
from tests.support import CPU, make_photos, start


@pytest.fixture
def photos(tmp_path):
    return open_dataset(make_photos(tmp_path / "photos"))


def drawn(source, *parts: range) -> torch.Tensor:
    return torch.cat(list(source.batches(parts)))


def test_data_comes_in_its_order(photos):
    images = drawn(DataSource(photos), range(3), range(3, 16))
    assert images.dtype == torch.uint8 and images.shape == (16, 3, 8, 8)
    assert np.array_equal(images[5], photos.pixels(5))
    assert torch.equal(drawn(DataSource(photos), range(5, 6))[0], images[5])


def test_an_image_does_not_depend_on_its_batch():
    model = tiny_model()
    whole = drawn(model, range(12)).int()
    parts = drawn(model, range(5), range(5, 12)).int()
    assert (whole - parts).abs().max() <= 1  # rounding of sums
    assert (drawn(model, range(7, 8))[0].int() - whole[7]).abs().max() <= 1
    assert (whole[0] - whole[1]).abs().max() > 1


def test_seed_role_and_noise_tell_images_apart():
    model = tiny_model()
    images = drawn(model, range(4)).int()
    real = ModelSource(model.generator, "tiny", role="real")
    for other in (model.with_seed(1), real):
        assert (drawn(other, range(4)).int() - images).abs().float().mean() > 1
    w = model.w(model.z(range(2)), None)
    first, second = (model.draw(w, model.noise(part)) for part in (range(2), range(2, 4)))
    assert (first - second).abs().max() > 1e-3
    assert_close(first, model.draw(w, model.noise(range(2))))


def test_truncation_to_0_gives_the_mean_of_w():
    network = tiny_network()
    network.mapping.w_avg.copy_(torch.arange(5.0))
    model = ModelSource(network, "tiny", psi=0.0)
    assert_close(model.w(model.z(range(3)), None), torch.arange(5.0).expand(3, -1))


def test_labels_come_as_often_as_in_the_data(tmp_path):
    folder = make_photos(tmp_path / "photos", classes=2)
    for path in list((folder / "class1").iterdir())[2:]:  # 8 of one class, 2 of the other
        path.unlink()
    photos = open_dataset(folder)
    model = ModelSource(tiny_network(label_size=2), "tiny", labels=photos)
    labels = model.label(range(600))
    assert labels is not None and (labels.sum(dim=1) == 1).all()
    assert labels[:, 1].mean() == pytest.approx(0.2, abs=0.05)
    alone = model.label(range(5, 6))
    assert alone is not None and torch.equal(alone[0], labels[5])
    assert drawn(model, range(2)).shape == (2, 3, 8, 8)


def test_a_model_with_classes_needs_labels_that_fit(tmp_path):
    network = tiny_network(label_size=3)
    with pytest.raises(UsageError, match="draws by class"):
        ModelSource(network, "tiny")
    photos = open_dataset(make_photos(tmp_path / "photos", classes=2))
    with pytest.raises(DataError, match="has labels of length 2, the model tiny wants 3"):
        ModelSource(network, "tiny", labels=photos)


def photos_by_class(folder, names):
    """One photograph of each class, and its number in the data."""
    for number, name in enumerate(names):
        make_photos(folder / str(number), classes=1, count=1)
        (folder / str(number) / "class0").rename(folder / name)
        (folder / str(number)).rmdir()
    return open_dataset(folder)


@pytest.mark.parametrize("names", [["dog", "cat", "eel"], ["eel", "cat"]])
def test_classes_with_names_are_those_of_the_model_by_name(tmp_path, names):
    network = tiny_network(label_size=3)
    network.class_names = ("dog", "cat", "eel")
    data = photos_by_class(tmp_path / "photos", names)
    labels = ModelSource(network, "tiny", labels=data).label(range(60))
    assert labels is not None and (labels.sum(dim=1) == 1).all()
    drawn = {network.class_names[number] for number in labels.argmax(dim=1).tolist()}
    assert drawn == set(names)


def test_a_class_that_the_model_lacks_is_named(tmp_path):
    network = tiny_network(label_size=2)
    network.class_names = ("dog", "cat")
    data = photos_by_class(tmp_path / "photos", ["dog", "hen"])
    with pytest.raises(DataError, match=f"^{data.path}: has a class hen, the model only dog, cat"):
        ModelSource(network, "tiny", labels=data)


def test_data_is_read_by_the_rules_of_the_run_that_is_measured(tmp_path):
    """A run of 0.1.0 numbered the classes 2 and 10 in the order of the alphabet."""
    photos = tmp_path / "photos"
    photos_by_class(photos, ["2", "10"])
    run = start(photos, tmp_path / "run", steps=1, conditional=True)
    config = run.read_config()
    old = open_dataset(photos, version=1)
    options = SourceOptions(CPU, FP32)
    orders = {config.data.fingerprint: ("2", "10"), old.fingerprint: ("10", "2")}
    for fingerprint, names in orders.items():
        run.write_config(config.change(data={"fingerprint": fingerprint, "path": "moved"}))
        model, _ = open_sources(run.path, photos, options)
        assert isinstance(model, ModelSource) and model.labels
        assert model.labels.class_names == names


def test_other_sizes_and_channels_are_refused(photos, tmp_path):
    with pytest.raises(DataError, match=r"images of 8x8, where tiny has 16x16.*--resolution 16"):
        check_comparable(tiny_model(levels=3), DataSource(photos))
    with pytest.raises(DataError, match=r"have 3 channels, those of tiny have 1"):
        check_comparable(tiny_model(image_channels=1), DataSource(photos))
    check_comparable(tiny_model(), DataSource(photos))


def test_damage_names_the_file(photos):
    (photos.path / photos.names[3]).write_bytes(b"broken")
    with pytest.raises(DataError, match=photos.names[3]):
        drawn(DataSource(photos), range(16))
