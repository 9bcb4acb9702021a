"""The check names every file that is wrong or odd, and says what to do."""

import io

import numpy as np
import pytest
from PIL import Image

from stylesmith.data.check import check_data
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import DataError


def said_of(report, name: str) -> list[tuple[str, str]]:
    return [(finding.kind, finding.text) for finding in report.findings if finding.name == name]


def test_findings_are_listed_file_by_file(make_image, make_folder):
    gray = io.BytesIO()
    Image.new("L", (32, 32)).save(gray, "PNG")
    middle_gone = make_image(5)[:1000] + bytes(200) + make_image(5)[1200:]
    folder = make_folder(
        {
            "a.png": make_image(0),
            "b.png": make_image(1),
            "copy.webp": make_image(0, ".png"),  # another name does not hide it
            "damaged.png": middle_gone,
            "empty.png": b"",
            "gray.png": gray.getvalue(),
            "large.png": make_image(2, size=(100, 90)),
            "notes.txt": b"",
        }
    )
    report = check_data(folder)
    assert report.images == 7
    assert said_of(report, "a.png") == said_of(report, "b.png") == []
    assert said_of(report, "copy.webp") == [("note", "same pixels as 'a.png'")]
    assert said_of(report, "empty.png") == [("bad", "empty file")]
    assert [kind for kind, _ in said_of(report, "damaged.png")] == ["bad"]
    assert said_of(report, "gray.png") == [("note", "is of mode L, most are RGB")]
    assert said_of(report, "large.png") == [("note", "is 90x100, most are 32x32")]
    assert report.sizes == {(32, 32): 4, (100, 90): 1}
    assert report.modes == {"RGB": 4, "L": 1}
    assert {finding.name for finding in report.bad_images} == {"damaged.png", "empty.png"}
    advice = "\n".join(report.advice)
    assert "--skip-bad" in advice
    assert f"stylesmith data prepare {folder} out.zip --resolution 32" in advice
    assert "5 images are few" in advice
    assert "Other files are ignored: 1 .txt" in advice


def test_labels_are_described_or_found_wrong(make_image, make_folder, labels_file):
    folder = make_folder({f"{c}/{i}.png": make_image(i) for c in ("cat", "dog") for i in range(2)})
    (folder / "dog" / "1.png").unlink()
    assert check_data(folder).labels == "2 classes of 1 to 2 images (cat, dog)"
    (folder / "dataset.json").write_bytes(labels_file([["cat/0.png", 0]]))
    report = check_data(folder)
    assert report.labels == "not usable"
    (finding,) = report.bad_images
    assert finding.name == "labels"
    assert "has no label for 2 of 3 images, such as 'cat/1.png'" in finding.text


def test_a_prepared_zip_has_nothing_wrong(make_image, make_folder, tmp_path):
    names = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
    folder = make_folder({name: make_image(seed) for seed, name in enumerate(names)})
    done = prepare_dataset(folder, tmp_path / "out.zip", size=(32, 32))
    report = check_data(done.path)
    assert report.findings == []
    assert report.labels == "2 classes of 2 to 2 images (a, b)"
    assert [line for line in report.advice if "few" not in line] == []


def test_classes_with_few_images_are_named(make_image, make_folder):
    counts = {"full": 9, "usual": 8, "half": 4, "rare": 3, "single": 1}
    names = [f"{name}/{i}.png" for name, count in counts.items() for i in range(count)]
    report = check_data(make_folder({name: make_image(i) for i, name in enumerate(names)}))
    told = {finding.name: finding.text for finding in report.by_topic()["class"]}
    assert told == {"class single": "has 1 image; half of the classes have 4 or more"}
    (report.path / "rare" / "0.png").unlink()
    (report.path / "half" / "0.png").rename(report.path / "single" / "1.png")
    (report.path / "half" / "1.png").rename(report.path / "single" / "2.png")
    assert list(check_data(report.path).by_topic()) == []


def test_classes_without_images_are_named(make_image, make_folder, labels_file):
    content = {f"{i}.png": make_image(i) for i in range(4)}
    labels = labels_file([[name, 3 * (i % 2)] for i, name in enumerate(content)])
    report = check_data(make_folder({**content, "dataset.json": labels}))
    told = {finding.name: finding.text for finding in report.findings}
    assert told == {"class 1": "has no images; half of the classes have 1 or more"} | {
        "class 2": "has no images; half of the classes have 1 or more"
    }


def test_an_image_in_two_classes_is_told_apart_from_a_copy(make_image, make_folder):
    content = {"cats/a.png": make_image(0), "cats/b.png": make_image(0)}
    content |= {"dogs/c.png": make_image(0), "dogs/d.png": make_image(1)}
    report = check_data(make_folder(content))
    topics = {topic: [one.name for one in found] for topic, found in report.by_topic().items()}
    assert topics == {"conflict": ["dogs/c.png"], "copy": ["cats/b.png"]}
    assert said_of(report, "dogs/c.png") == [
        ("note", "same pixels as 'cats/a.png', which has another label")
    ]


def test_photos_of_all_sizes_are_no_findings_one_by_one(make_image, make_folder):
    folder = make_folder({f"{i}.png": make_image(i, size=(20 + i, 30)) for i in range(20)})
    report = check_data(folder)
    assert report.findings == []
    assert len(report.sizes) == 20
    assert any("Make one size" in line for line in report.advice)


def test_the_pixel_hash_is_that_of_pixels(make_image, make_folder, make_zip):
    folder = make_folder({"a.png": make_image(0), "b.png": make_image(1)})
    before = check_data(folder).pixel_hash
    with Image.open(folder / "a.png") as image:
        image.load()
    image.save(folder / "a.png", compress_level=0)
    assert check_data(folder).pixel_hash == before
    renamed = make_zip({"x.png": make_image(0), "y.png": make_image(1)})
    assert check_data(renamed).pixel_hash == before
    (folder / "a.png").write_bytes(make_image(2))
    assert check_data(folder).pixel_hash != before


@pytest.mark.parametrize(("bits", "is_small"), [(10, True), (12, True), (15, False), (16, False)])
def test_images_that_use_a_small_part_of_their_range(bits, is_small, tmp_path):
    values = np.random.default_rng(0).integers(0, 1 << bits, (32, 32)).astype(np.uint16)
    folder = tmp_path / "raw"
    folder.mkdir()
    Image.fromarray(values).save(folder / "a.png")
    advice = [line for line in check_data(folder).advice if "percent of white" in line]
    assert bool(advice) == is_small
    assert all("--stretch` to use the whole range" in line for line in advice)


def test_all_bad_is_a_report_and_nothing_there_an_error(make_folder, tmp_path):
    folder = make_folder({"a.png": b"", "b.png": b"text"})
    report = check_data(folder)
    assert len(report.bad_images) == 2
    assert report.sizes == {}
    with pytest.raises(DataError, match="no such folder or zip"):
        check_data(tmp_path / "nowhere")
