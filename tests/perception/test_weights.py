"""The weights folder: what is missing is said in one line; only the published files get in."""

import dataclasses
import hashlib
import re

import pytest
import torch

from stylesmith.errors import ModelError, OutputError, StylesmithError, UsageError
from stylesmith.perception import weights
from stylesmith.perception.extractors import open_distance, open_extractor
from stylesmith.perception.weights import WEIGHT_FILES, WeightFile

CPU = torch.device("cpu")
CONTENT = bytes(range(256)) * 10


@pytest.fixture
def small() -> WeightFile:
    """A small file in place of a published one."""
    return dataclasses.replace(
        WEIGHT_FILES["lpips"], sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT)
    )


def test_the_register_is_consistent():
    for name, file in WEIGHT_FILES.items():
        assert file.name == name and file.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        # Names of published files end in the first digits of their checksum.
        if prefix := re.search(r"-([0-9a-f]{8})\.pth$", file.url):
            assert file.sha256.startswith(prefix[1]) and file.url.endswith(file.file_name)


def test_missing_weights_are_told_with_every_way_out(tmp_path):
    with pytest.raises(ModelError) as caught:
        open_extractor("inception", CPU, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/pt_inception-2015-12-05-6726825d.pth: not there; extractor 'inception' needs "
        "it. Get it with `stylesmith weights fetch inception` (95.6 MB), or from a file that you "
        "have with `stylesmith weights add inception FILE`; 'random' works without any."
    )


def test_lpips_names_both_of_its_files(tmp_path, weights_folder):
    with pytest.raises(ModelError) as caught:
        open_distance("lpips", CPU, tmp_path)
    assert "vgg16-397923af.pth and" in str(caught.value)
    assert "fetch vgg16 lpips` (553.4 MB)" in str(caught.value)
    only_heads = tmp_path / WEIGHT_FILES["lpips"].file_name
    only_heads.write_bytes((weights_folder / only_heads.name).read_bytes())
    with pytest.raises(ModelError, match=r"vgg16-397923af\.pth: not there.*fetch vgg16`"):
        open_distance("lpips", CPU, tmp_path)


@pytest.mark.parametrize(
    ("open_one", "name", "message"),
    [
        (open_extractor, "incepton", "'incepton': no such extractor. Did you mean 'inception'?"),
        (open_distance, "l2", "'l2': no such distance. There are: lpips, random, pixels."),
    ],
)
def test_unknown_names(open_one, name, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        open_one(name, CPU)


def test_the_folder_is_the_users_cache_unless_named(monkeypatch, tmp_path):
    monkeypatch.delenv("STYLESMITH_WEIGHTS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.default_weights_folder() == tmp_path / ".cache/stylesmith/weights"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert weights.default_weights_folder() == tmp_path / "cache/stylesmith/weights"
    monkeypatch.setenv("STYLESMITH_WEIGHTS", "~/shared")
    assert weights.default_weights_folder() == tmp_path / "shared"


def test_without_a_folder_the_named_one_is_used(monkeypatch, weights_folder):
    monkeypatch.setenv("STYLESMITH_WEIGHTS", str(weights_folder))
    with pytest.warns(UserWarning, match="results do not compare with published ones"):
        assert open_extractor("inception", CPU).name == "inception"


def test_adding_copies_the_published_file_only(small, tmp_path):
    source, folder = tmp_path / "downloaded.pth", tmp_path / "new" / "weights"
    source.write_bytes(CONTENT)
    path = weights.add_weight_file(small, source, folder)
    assert path.read_bytes() == CONTENT and source.exists()
    assert list(folder.iterdir()) == [folder / small.file_name]
    with pytest.raises(OutputError, match="exists already"):
        weights.add_weight_file(small, source, folder)
    assert weights.add_weight_file(small, source, folder, force=True) == path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"  <!DOCTYPE html><html>", "is a web page, not a weights file"),
        (CONTENT[:1000], "is 1.0 kB, where 2.6 kB are wanted: perhaps incomplete"),
        (CONTENT[::-1], "has sha256 "),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_other_files_are_refused_with_what_they_seem_to_be(small, tmp_path, content, message):
    source = tmp_path / "downloaded.pth"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(StylesmithError) as caught:
        weights.add_weight_file(small, source, tmp_path / "weights")
    assert str(caught.value).startswith(f"{source}: {message}")
    assert not (tmp_path / "weights").exists()
