import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from stylesmith import images
from stylesmith.errors import OutputError, ShapeError


def test_every_level_survives_the_round_trip():
    levels = torch.arange(256, dtype=torch.uint8)
    floats = images.from_uint8(levels)
    assert (floats.min(), floats.max()) == (-1, 1)
    assert torch.equal(images.to_uint8(floats), levels)


def test_to_uint8_rounds_and_clips():
    level = 1 / 127.5
    x = torch.tensor([-9.0, -1 + 0.4 * level, -1 + 0.6 * level, 1.3])
    assert images.to_uint8(x).tolist() == [0, 0, 1, 255]


def test_a_grid_reads_row_by_row_and_fills_up_with_black():
    pictures = torch.stack([torch.full((1, 2, 3), v) for v in (0.1, 0.2, 0.3)])
    grid = images.make_grid(pictures, columns=2)
    assert grid.shape == (1, 4, 6)
    corners = grid[0, ::2, ::3]
    assert_close(corners, torch.tensor([[0.1, 0.2], [0.3, -1.0]]))


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (4, (2, 2)), (5, (2, 3)), (16, (4, 4))])
def test_a_grid_is_nearly_square(n, shape):
    assert images.make_grid(torch.zeros(n, 3, 5, 5)).shape == (3, 5 * shape[0], 5 * shape[1])


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (3, 4, 4)])
def test_a_grid_of_nothing_is_refused(shape):
    with pytest.raises(ShapeError, match="N at least 1"):
        images.make_grid(torch.zeros(shape))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("suffix", [".png", ".PNG"])
def test_png_keeps_every_pixel(channels, mode, suffix):
    pixels = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
    picture = Image.open(io.BytesIO(images.encode_image(images.from_uint8(pixels), suffix)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", mode, (7, 5))
    found = torch.from_numpy(np.asarray(picture).reshape(5, 7, channels).copy()).permute(2, 0, 1)
    assert torch.equal(found, pixels)


@pytest.mark.parametrize(
    ("suffix", "format"), [(".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP")]
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lossy_formats_keep_color(suffix, format, channels):
    image = torch.full((channels, 16, 16), 0.2)
    picture = Image.open(io.BytesIO(images.encode_image(image, suffix)))
    assert picture.format == format
    grey = np.asarray(picture.convert("L"), dtype=float)
    assert abs(grey.mean() - 1.2 * 127.5) < 2


@pytest.mark.parametrize("suffix", ["", ".gif", ".txt", ".pdf"])
def test_other_formats_are_refused(suffix):
    with pytest.raises(OutputError, match=r"\.png, \.jpg or \.webp"):
        images.encode_image(torch.zeros(3, 4, 4), suffix)


def test_two_channels_are_no_image():
    with pytest.raises(ShapeError, match="1, 3 or 4 channels"):
        images.to_pil_image(torch.zeros(2, 4, 4))


def test_a_refused_format_leaves_no_file(tmp_path):
    with pytest.raises(OutputError):
        images.save_image(torch.zeros(3, 4, 4), tmp_path / "x.bmp")
    assert list(tmp_path.iterdir()) == []


def test_save_grid_writes_the_grid(tmp_path):
    batch = torch.rand(4, 3, 2, 2) * 2 - 1
    images.save_grid(batch, tmp_path / "new" / "grid.png", columns=4)
    picture = np.asarray(Image.open(tmp_path / "new" / "grid.png"))
    wanted = images.to_uint8(images.make_grid(batch, columns=4)).permute(1, 2, 0).numpy()
    assert np.array_equal(picture, wanted)
