"""Any image gets the size and channels of the network, and its changes are named."""

import numpy as np
import pytest
import torch
from PIL import Image

from stylesmith import images as pixels
from stylesmith.errors import DataError
from stylesmith.inversion.projection_targets import read_targets, unique_names


def save(path, mode: str, size: tuple[int, int]):
    rng = np.random.default_rng(0)
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = rng.integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    Image.fromarray(values.squeeze(), mode if bands > 1 else None).save(path)
    return path


def test_an_image_that_fits_is_taken_as_it_is(generator, tmp_path):
    path = save(tmp_path / "a.png", "RGB", (16, 16))
    (target,) = read_targets([path], generator)
    assert (target.name, target.source, target.changes) == ("a", str(path), "")
    with Image.open(path) as image:
        wanted = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    assert torch.equal(pixels.to_uint8(target.image), wanted)


@pytest.mark.parametrize(
    ("mode", "size", "changes"),
    [
        ("RGB", (40, 20), "40x20, cropped to its center and resized to 16x16"),
        ("RGB", (8, 8), "8x8, resized to 16x16"),
        ("L", (16, 16), "gray, made RGB"),
        ("RGBA", (32, 16), "32x16, cropped to its center and resized to 16x16; RGBA, made RGB"),
    ],
)
def test_other_images_are_converted(generator, tmp_path, mode, size, changes):
    (target,) = read_targets([save(tmp_path / "a.png", mode, size)], generator)
    assert target.changes == changes
    assert target.image.shape == (3, 16, 16) and target.image.abs().max() <= 1


@pytest.mark.parametrize(("channels", "changes"), [(1, "RGB, made gray"), (4, "RGB, made RGBA")])
def test_networks_of_other_channels(tiny_generator, tmp_path, channels, changes):
    network = tiny_generator(image_channels=channels)
    (target,) = read_targets([save(tmp_path / "a.png", "RGB", (16, 16))], network)
    assert target.image.shape == (channels, 16, 16) and target.changes == changes


def test_names_are_told_apart():
    assert unique_names(["a", "b", "A", "a", "a-2"]) == ["a", "b", "A-2", "a-3", "a-2-2"]


def test_images_have_hashes_of_their_pixels(generator, tmp_path):
    one, two = (save(tmp_path / name, "RGB", (16, 16)) for name in ("a.png", "b.png"))
    same, other = read_targets([one, two], generator)
    assert same.hash == other.hash
    (other,) = read_targets([save(two, "L", (16, 16))], generator)
    assert same.hash != other.hash


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.png", None, "none.png: cannot be read .No such file"),
        ("text.png", b"hello", "text.png: not a PNG, JPEG or WebP image"),
        ("empty.png", b"", "empty.png: not a PNG"),
    ],
)
def test_what_is_no_image_is_named(generator, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_targets([tmp_path / name], generator)


def test_a_folder_is_no_image(generator, tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory"):
        read_targets([tmp_path], generator)
