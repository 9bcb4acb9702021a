"""The built-in faces: reproducible, exactly labeled, and credited."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("dicebear", reason="the extra [avatars] is not installed")

from stylesmith.data import avatar_drawing as tables
from stylesmith.data import avatars
from stylesmith.data.avatar_drawing import (
    AVATAR_COLORS,
    HAIR_CLASS_NAMES,
    HAIR_COLORS,
    PART_PROBABILITIES,
    VARIANT_WEIGHTS,
    avatar_attributes,
    draw_avatar,
    hair_class,
    load_style_definition,
)
from stylesmith.data.avatars import make_avatars
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import ConfigError, OutputError, UsageError


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    path = tmp_path_factory.mktemp("avatars") / "faces.zip"
    make_avatars(path, count=200, size=16)
    return path


def read_json(path, name):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(name))


def test_the_artist_is_named_to_whoever_trains_on_them(faces):
    assert "Pablo Stanley" in open_dataset(faces).credit


def test_an_image_depends_on_seed_and_index_alone(faces, tmp_path):
    few = open_dataset(make_avatars(tmp_path / "few.zip", count=5, size=16).path)
    other = open_dataset(make_avatars(tmp_path / "other.zip", count=5, size=16, seed=1).path)
    many = open_dataset(faces)
    for index in range(5):
        np.testing.assert_array_equal(few.pixels(index), many.pixels(index))
        assert (other.pixels(index) != many.pixels(index)).any()
    assert len({many.pixels(i).tobytes() for i in range(200)}) == 200


def test_processes_draw_the_same(tmp_path):
    alone = make_avatars(tmp_path / "alone.zip", count=101, size=8, workers=1).path
    told = []
    shared = make_avatars(
        tmp_path / "shared.zip",
        count=101,
        size=8,
        workers=2,
        on_progress=lambda done, total: told.append((done, total)),
    ).path
    assert alone.read_bytes() == shared.read_bytes()
    assert told[-1] == (101, 101)


def test_faces_fill_the_frame():
    """The middle of the image is skin, in the color that the options tell."""
    for index in range(20):
        content, options = draw_avatar(0, index, 32)
        pixels = np.asarray(Image.open(io.BytesIO(content))).astype(int)
        skin = np.array([int(options["skinColor"][i : i + 2], 16) for i in (1, 3, 5)])
        close = np.abs(pixels - skin).max(-1) < 12
        assert pixels.shape == (32, 32, 3)
        assert close[8:22, 8:24].mean() > 0.2


def test_labels_and_attributes_follow_from_the_options(faces):
    table = read_json(faces, "attributes.json")
    labels = read_json(faces, "dataset.json")["labels"]
    assert table["images"] == [name for name, _ in labels]
    for (_, label), values, options in zip(labels, table["values"], table["options"], strict=True):
        assert label == hair_class(options)
        assert dict(zip(table["names"], map(bool, values), strict=True)) == avatar_attributes(
            options
        )
        covered = HAIR_CLASS_NAMES[label] == "covered"
        assert covered == avatar_attributes(options)["hat"] == ("hairColor" not in options)
    data = open_dataset(faces)
    assert data.labels.class_names == HAIR_CLASS_NAMES
    assert data.label_size == len(HAIR_CLASS_NAMES)


def test_there_are_twenty_attributes_and_all_of_them_vary(faces):
    table = read_json(faces, "attributes.json")
    shares = dict(zip(table["names"], np.mean(table["values"], axis=0), strict=True))
    assert len(shares) >= 20
    assert {name: share for name, share in shares.items() if not 0.04 < share < 0.96} == {}


def test_what_is_hidden_is_not_told():
    _, options = draw_avatar(0, 0, 8)
    hat = avatar_attributes({**options, "topVariant": "hat"})
    assert hat["hat"]
    assert [name for name in hat if hat[name] and name.endswith("_hair")] in ([], ["facial_hair"])
    dark = avatar_attributes(
        {**options, "eyesVariant": "closed", "accessoriesVariant": "sunglasses"}
    )
    assert dark["sunglasses"] and not dark["eyes_closed"] and not dark["glasses"]


def test_tables_name_only_what_the_style_has():
    """A new release of the style that renames a part fails here, not in somebody's labels."""
    parts = load_style_definition()
    for name, weights in VARIANT_WEIGHTS.items():
        assert weights.keys() <= parts["components"][name]["variants"].keys()
    assert PART_PROBABILITIES.keys() <= parts["components"].keys()
    assert set(AVATAR_COLORS["skin"]) <= set(parts["colors"]["skin"]["values"])
    assert set().union(*HAIR_COLORS.values()) == set(parts["colors"]["hair"]["values"])
    tops = set(parts["components"]["top"]["variants"])
    assert tops >= tables.HATS | tables.LONG_HAIR | tables.SHORT_HAIR | tables.CURLY_HAIR
    assert not tables.HATS & (tables.LONG_HAIR | tables.SHORT_HAIR | tables.CURLY_HAIR)


def test_the_manifest_credits_the_author(faces):
    manifest = read_json(faces, "stylesmith.json")
    assert manifest["author"] == "Pablo Stanley"
    assert manifest["license"]["name"] == "Free for personal and commercial use"
    assert manifest["seed"] == 0
    assert set(manifest["packages"]) == {"dicebear-core", "dicebear-styles", "resvg_py", "pillow"}


def test_what_cannot_be_drawn(faces, tmp_path):
    with pytest.raises(OutputError, match=r"faces\.zip: exists already"):
        make_avatars(faces, count=1, size=8)
    with pytest.raises(UsageError, match="--count 0: wanted at least 1"):
        make_avatars(tmp_path / "x.zip", count=0, size=8)
    with pytest.raises(ConfigError, match="size 33x33"):
        make_avatars(tmp_path / "x.zip", count=1, size=33)


def test_without_the_extra_one_line_says_what_to_install(tmp_path, monkeypatch):
    load_style_definition.cache_clear()
    monkeypatch.setitem(sys.modules, "dicebear", None)
    with pytest.raises(UsageError, match=r'pip install "stylesmith\[avatars\]"') as caught:
        make_avatars(tmp_path / "x.zip", count=1, size=8)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_other_module_of_the_package_imports_the_extra():
    modules = Path(avatars.__file__).parent.glob("[a-z]*.py")
    lines = "".join(f"import stylesmith.data.{module.stem}\n" for module in modules)
    assert "import stylesmith.data.dataset\n" in lines
    check = lines + "import sys; sys.exit(any(m in sys.modules for m in ('dicebear', 'resvg_py')))"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
