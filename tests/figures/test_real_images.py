import pytest
import torch

from stylesmith.data.dataset import open_dataset
from stylesmith.errors import ModelError
from stylesmith.figures import FigureOptions
from stylesmith.figures.image_grids import dataset_samples
from stylesmith.images import from_uint8
from tests.figures.conftest import no_progress
from tests.support import make_photos


def test_the_figure_holds_images_of_the_data_each_once(make_figure_input, tmp_path):
    photos = make_photos(tmp_path / "photos", size=16, count=12)
    layout = dataset_samples(make_figure_input(FigureOptions(data=photos, count=6)), no_progress)
    (panel,) = layout.image_panels
    dataset = open_dataset(photos)
    reals = from_uint8(torch.stack([torch.from_numpy(dataset.pixels(i)) for i in range(12)]))
    shown = panel.images.flatten(0, 1)
    equal = (shown[:, None] == reals[None]).flatten(2).all(dim=2)
    assert equal.sum(dim=1).tolist() == [1] * 6 and equal.sum(dim=0).max() == 1
    assert "6 of its 12 images" in layout.caption


def test_a_model_without_data_asks_for_some(make_figure_input):
    with pytest.raises(ModelError, match=r"training data.*--data"):
        dataset_samples(make_figure_input(), no_progress)
