"""`--split`, `--labels` and containers, in every command that reads images."""

import json

import numpy as np
import pytest

from tests.data.containers import png, write_shards
from tests.support import resume


@pytest.fixture
def split_photos(tmp_path):
    """Images of two classes, 8 for training and 4 for testing."""
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(images):
        part = "train" if number < 8 else "test"
        path = tmp_path / "photos" / part / f"kind{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(pixels))
    return tmp_path / "photos"


RECOGNIZED = (
    "Recognized: the part 'train' of test, train (--split takes another, or all), 8 images."
)


def test_check_and_prepare_say_what_they_recognized(cli, split_photos, tmp_path):
    checked = cli("data", "check", split_photos).out
    assert RECOGNIZED in checked.splitlines() and "2 classes of 4 to 4 images" in checked
    tested = cli("data", "check", split_photos, "--split", "test", "--labels", "none").out
    assert "4 images, 0 to be repaired" in tested and "Labels: none" in tested
    out = tmp_path / "out.zip"
    prepared = cli("data", "prepare", split_photos, out, "--resolution", "8", "--split", "all")
    assert "12 color images of 8x8" in prepared.out and "kind0, kind1" in prepared.out


def test_a_run_keeps_its_options(cli, split_photos, tmp_path):
    table = tmp_path / "table.csv"
    rows = "".join(f"{number},{number % 3}\n" for number in range(12))
    table.write_text(f"file,kind\n{rows}")
    words = ("--preset", "tiny", "--out", tmp_path / "run", "--kimg", "0.008", "--conditional")
    words += ("--device", "cpu")
    options = ("--split", "all", "--labels", f"{table}:kind")
    started = cli("train", split_photos, *words, *options)
    assert started.status == 0, started.err
    assert "all parts of test, train (--split takes another, or all), 12 images" in started.out
    data = json.loads((tmp_path / "run" / "config.json").read_text())["data"]
    assert (data["split"], data["labels"]) == ("all", f"{table}:kind")
    assert data["label_size"] == 3
    from stylesmith.models import RunFolder

    resume(RunFolder(tmp_path / "run"), steps=4)
    refused = cli("train", "--resume", tmp_path / "run", "--split", "test")
    assert "--split cannot be given" in refused.error()


def test_evaluate_reads_containers(cli, split_photos, tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    shards = write_shards(tmp_path / "shards", images, None, per_shard=10)
    np.save(tmp_path / "same.npy", images)
    words = (
        "--metrics",
        "fd30",
        "--extractor",
        "random",
        "--json",
        "--device",
        "cpu",
        "--no-cache",
    )
    done = cli("evaluate", tmp_path / "same.npy", "--data", shards, *words)
    assert done.status == 0, done.err
    assert json.loads(done.out)["value"] == pytest.approx(0, abs=1e-3)
    refused = cli("evaluate", shards, "--data", split_photos, "--split", "val", *words)
    assert "has no part 'val'" in refused.error()
