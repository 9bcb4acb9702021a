"""Videos have the frames that they were given, whatever the format."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from stylesmith.errors import OutputError, UsageError
from stylesmith.sampling.video import check_video_path, enlarge_frame, write_video

COLORS = {
    1: torch.tensor([[1.0], [-1], [0.5], [0]]),
    3: torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [0, 0, 0]]),
    4: torch.tensor([[1.0, -1, -1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1], [0, 0, 0, 1]]),
}
"""Of the four frames, by the number of channels."""


def flat_frames(channels=3, size=(16, 24)):
    """Four frames of one color each."""
    return [color[:, None, None].expand(-1, *size) for color in COLORS[channels]]


def wanted_levels(channels):
    """Color of each frame, 0..255."""
    return (COLORS[channels][:, :3].expand(-1, 3).numpy() + 1) * 127.5


def levels(frames):
    """Mean color of each frame, 0..255."""
    return np.array([np.asarray(frame.convert("RGB")).mean(axis=(0, 1)) for frame in frames])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_pillow_writes_what_needs_no_extra(tmp_path, suffix, channels):
    path = tmp_path / f"walk{suffix}"
    write_video(path, iter(flat_frames(channels)), fps=25)
    with Image.open(path) as movie:
        assert (movie.n_frames, movie.size, movie.info["loop"]) == (4, (24 * 16, 16 * 16), 0)
        found = levels(ImageSequence.Iterator(movie))
        movie.seek(1)
        movie.load()
        assert movie.info["duration"] == 40
    assert np.abs(found - wanted_levels(channels)).max() < 8


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_av_writes_the_others(tmp_path, suffix, channels):
    av = pytest.importorskip("av")
    path = tmp_path / f"walk{suffix}"
    write_video(path, iter(flat_frames(channels)), fps=25)
    with av.open(str(path)) as movie:
        assert movie.streams.video[0].average_rate == 25
        found = [frame.to_image() for frame in movie.decode(video=0)]
    assert len(found) == 4 and found[0].size == (24 * 16, 16 * 16)
    assert np.abs(levels(found) - wanted_levels(channels)).max() < 12
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((16, 16), (256, 256)),
        ((3, 4), (258, 344)),
        ((300, 5), (300, 5 * 2)),
        ((512, 384), (512, 384)),
    ],
)
def test_small_frames_are_enlarged_to_even_sizes(size, wanted):
    image = enlarge_frame(Image.new("L", size[::-1]))
    assert image.mode == "RGB"
    assert image.width % 2 == image.height % 2 == 0
    assert image.height >= 256 and image.height % size[0] == image.width % size[1] == 0
    if size[1] != 5:
        assert image.size == wanted[::-1]


@pytest.mark.parametrize("name", ["walk.mp4", "walk.webm"])
def test_what_is_missing_is_said_with_what_works_without(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"stylesmith\[video\]\"\. \.gif and \.webp work without"):
        check_video_path(tmp_path / name)
    check_video_path(tmp_path / "walk.gif")


@pytest.mark.parametrize("name", ["walk.avi", "walk", "walk.png"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"wanted a \.mp4, \.webm, \.gif or \.webp video"):
        check_video_path(tmp_path / name)


def test_too_many_frames_for_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("stylesmith.sampling.video.MAX_FRAME_BYTES", 3 * 256 * 256 * 2)
    with pytest.raises(UsageError, match=r"more than 2 GB: write \.mp4 or \.webm"):
        write_video(tmp_path / "walk.gif", flat_frames(size=(16, 16)), fps=25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_place_that_cannot_be_written_is_said(tmp_path, suffix):
    if suffix == ".mp4":
        pytest.importorskip("av")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        write_video(tmp_path / "file" / f"walk{suffix}", flat_frames(), fps=25)
