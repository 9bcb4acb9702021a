"""Layouts as pages: pixels are whole, labels are there, and files are the same twice."""

import numpy as np
import pytest
import torch
from PIL import Image

from stylesmith.errors import UsageError
from stylesmith.figures import ChartPanel, FigureLayout, ImagePanel, save_figure
from stylesmith.figures.matplotlib_page import (
    IMAGE_GAP,
    build_page,
    panel_size,
    tile_images,
    to_rgba,
)


def noise_images(rows: int, columns: int, channels: int = 3, side: int = 4) -> torch.Tensor:
    shape = (rows, columns, channels, side, side)
    return torch.linspace(-1, 1, rows * columns * channels * side * side).reshape(shape)


def line(axes) -> None:
    axes.plot([0, 1, 2], [3, 1, 2], label="a line")
    axes.set_xlabel("images seen")


def test_a_collage_holds_every_pixel_enlarged_by_a_whole_number():
    images = noise_images(2, 3)
    page = tile_images(ImagePanel(images, zoom=3))
    assert page.shape == (2 * 12 + IMAGE_GAP, 3 * 12 + 2 * IMAGE_GAP, 4)
    tile = page[12 + IMAGE_GAP :, 2 * (12 + IMAGE_GAP) :, :]
    assert np.array_equal(tile[1::3, 1::3], to_rgba(images[1, 2]).numpy())


def test_a_place_without_image_is_transparent():
    images = noise_images(1, 2)
    images[0, 1] = float("nan")
    page = tile_images(ImagePanel(images, zoom=1))
    assert (page[:, 4 + IMAGE_GAP :, 3] == 0).all() and (page[:, :4, 3] == 255).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_gray_color_and_transparent_images_have_four_channels(channels):
    found = to_rgba(noise_images(1, 1, channels)[0, 0])
    assert found.shape == (4, 4, 4)
    if channels == 1:
        assert torch.equal(found[..., 0], found[..., 2])
    if channels < 4:
        assert (found[..., 3] == 255).all()


def test_images_are_in_the_file_pixel_by_pixel(tmp_path):
    images = noise_images(2, 2)
    panel = ImagePanel(images, rows=["first", "second"], columns=["a", "b"], zoom=5)
    (path,) = save_figure(FigureLayout("Pixels.", [[panel]]), tmp_path / "page.png")
    with Image.open(path) as image:
        page = np.asarray(image.convert("RGB")).astype(int)
    wanted = tile_images(panel)[..., :3].astype(int)
    wanted[tile_images(panel)[..., 3] == 0] = 255
    height, width = wanted.shape[:2]
    places = [
        (top, left)
        for top in range(page.shape[0] - height + 1)
        for left in range(page.shape[1] - width + 1)
        if np.abs(page[top, left] - wanted[0, 0]).max() <= 1
        and np.abs(page[top : top + height, left : left + width] - wanted).max() <= 1
    ]
    assert len(places) == 1


def test_charts_come_as_png_and_svg_with_words_as_text(tmp_path):
    layout = FigureLayout("A caption.", [[ChartPanel(line, title="Title")]])
    written = save_figure(layout, tmp_path / "chart.png")
    assert [path.name for path in written] == ["chart.png", "chart.svg"]
    svg = written[1].read_text()
    assert all(text in svg for text in ("A caption.", "Title", "images seen"))


def test_the_same_layout_gives_the_same_files(tmp_path):
    layout = FigureLayout("Same.", [[ChartPanel(line), ImagePanel(noise_images(1, 1))]])
    first = [path.read_bytes() for path in save_figure(layout, tmp_path / "a.png")]
    assert first == [path.read_bytes() for path in save_figure(layout, tmp_path / "b.png")]


def test_a_page_is_as_large_as_its_panels_ask():
    panels = [[ChartPanel(line, width=300, height=200), ChartPanel(line, width=400, height=100)]]
    figure = build_page(FigureLayout("Wide.", panels))
    width, height = figure.get_size_inches() * figure.dpi
    assert width == pytest.approx(300 + 400 + 24 + 32) and height > 200
    assert panel_size(panels[0][0]) == (300, 200)


def test_a_page_beyond_what_viewers_open_is_refused():
    images = torch.zeros(100, 1, 3, 1, 1).expand(-1, -1, -1, 1000, 1000)
    with pytest.raises(UsageError, match="draw fewer images"):
        build_page(FigureLayout("Large.", [[ImagePanel(images, zoom=1)]]))
