"""`stylesmith attribution`: calibrate, then judge; wrong words, one line."""

import json
import shutil

import pytest


@pytest.fixture(scope="session")
def calibrate(finished_run, photos):
    """Options of the smallest calibration."""
    return ["attribution", finished_run.path, "--generated", 3, "--real", photos,
            "--steps", 5, "--distance", "pixels", "--no-noise"]  # fmt: skip


def test_calibrate_and_judge(cli, finished_run, photos, calibrate, tmp_path):
    out, images = tmp_path / "att", tmp_path / "images"
    result = cli(*calibrate, "--out", out)
    assert result.status == 0
    assert "Median distance (pixels): generated 0." in result.out and "AUC" in result.out
    learned = json.loads((out / "calibration.json").read_text())
    assert len(learned["generated"]) == len(learned["real"]) == 3
    assert {"histograms.svg", "roc.svg", "generated", "real"} <= {p.name for p in out.iterdir()}
    cli("generate", finished_run.path, "--seeds", "0", "--psi", 1, "--out", images)
    own = next(images.iterdir())
    judged = cli(
        "attribution", finished_run.path, own, photos / "class0" / "000.png",
        "--calibration", out / "calibration.json", "--out", tmp_path / "judged",
    )  # fmt: skip
    assert judged.status == 0
    assert "Projecting 2 images: 5 steps in w, by the distance 'pixels'" in judged.out
    verdicts = json.loads((tmp_path / "judged" / "verdicts.json").read_text())
    assert set(verdicts) == {str(own), str(photos / "class0" / "000.png")}
    # The image of seed 0 was in the calibration, and comes out as it did there.
    assert min(abs(verdicts[str(own)]["distance"] - d) for d in learned["generated"]) < 1e-3
    assert str(own) in judged.out and "the threshold" in judged.out


def test_a_calibration_goes_on(cli, calibrate, tmp_path):
    out = tmp_path / "att"
    assert cli(*calibrate, "--out", out).status == 0
    first = (out / "calibration.json").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/*/result.json")}
    assert "exists already" in cli(*calibrate, "--out", out).error()
    shutil.rmtree(out / "real")
    (out / "calibration.json").unlink()
    assert cli(*calibrate, "--out", out, "--resume").status == 0
    assert (out / "calibration.json").read_bytes() == first
    assert sum(path.stat().st_mtime_ns == time for path, time in kept.items()) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "wanted either --real DATA, to calibrate, or images and --calibration FILE"),
        (["a.png"], "wanted either --real DATA"),
        (["a.png", "--real", "."], "wanted either --real DATA"),
        (["--calibration", "c.json"], "wanted either --real DATA"),
        (["a.png", "--calibration", "c.json"], "c.json: cannot be read"),
        (["--real", "none.zip"], "none.zip"),
        (["--real", "PHOTOS", "--generated", "99"], "has 16 images, fewer than --generated 99"),
    ],
)
def test_wrong_words_are_one_line(
    cli, finished_run, photos, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    words = [str(photos) if word == "PHOTOS" else word for word in arguments]
    assert message in cli("attribution", finished_run.path, *words).error()


def test_a_calibration_of_another_model_is_refused(
    cli, finished_run, conditional_run, photos, calibrate, tmp_path
):
    out = tmp_path / "att"
    cli(*calibrate, "--out", out)
    error = cli(
        "attribution", conditional_run.path, photos / "class0" / "000.png",
        "--calibration", out / "calibration.json", "--out", tmp_path / "x",
    ).error()  # fmt: skip
    assert "belongs to the model" in error and "Calibrate each model by itself" in error
