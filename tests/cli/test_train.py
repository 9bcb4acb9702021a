"""`stylesmith train`: what it takes, refuses, prints and leaves."""

import json
import re
import shutil

import pytest
import torch
from PIL import Image

from stylesmith.data.dataset import open_dataset
from stylesmith.data.loader import BatchLoader
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import DataError
from stylesmith.models import RunFolder, load
from stylesmith.training import loss_passes
from stylesmith.training.log import read_log
from tests import support
from tests.support import newest_state

TINY = ("--preset", "tiny", "--device", "cpu")


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    return RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))


def clocks(run: RunFolder) -> dict:
    return newest_state(run)[1]["clocks"]


def test_a_run_from_start_to_report(cli, photos, tmp_path):
    out = tmp_path / "run"
    result = cli("train", photos, *TINY, "--out", out, "--kimg", 0.012, "--seed", 7, "--mirror")
    assert (result.status, result.err) == (0, "")
    assert "tiny: 16 images of 8x8 RGB, mirrored" in result.out
    assert "The data has labels of length 2; --conditional would use them." in result.out
    assert f"see {out / 'report.html'}" in result.out
    assert f"stylesmith train --resume {out} --kimg N" in result.out
    config = RunFolder(out).read_config()
    assert (config.training.seed, config.training.kimg, config.data.mirror) == (7, 0.012, True)
    assert clocks(RunFolder(out))["images_seen"] == 12
    assert "<html" in (out / "report.html").read_text()


def test_options_reach_the_configuration(cli, photos, tmp_path):
    words = (
        "--conditional",
        "--channels",
        1,
        "--resolution",
        "16x8",
        "--skip-bad",
        "--kimg",
        0.004,
    )
    settings = ("--set", "training.r1_gamma=3", "--set", "output.grid_images=2")
    result = cli("train", photos, *TINY, "--out", tmp_path / "run", *words, *settings)
    assert result.status == 0, result.err
    config = RunFolder(tmp_path / "run").read_config()
    data = config.data
    assert (data.label_size, data.channels, data.size) == (2, 1, (8, 16))
    assert (data.resize, data.skip_bad) == (True, True)
    assert config.generator.label_size == config.discriminator.label_size == 2
    assert (config.training.r1_gamma, config.output.grid_images) == (3, 2)


def test_resume_goes_up_to_kimg(cli, run):
    result = cli("train", "--resume", run.path, "--kimg", 0.04)
    assert (result.status, result.err) == (0, "")
    assert clocks(run)["images_seen"] == 40
    assert run.read_config().training.kimg == 0.04
    assert cli("train", "--resume", run.path, "--kimg", 0.02).status == 0
    assert clocks(run)["images_seen"] == 40  # there is no way back


def test_a_time_limit_says_what_it_will_reach(cli, photos, run):
    words = ("--kimg", 25000, "--dry-run")
    result = cli("train", photos, *TINY, *words, "--minutes", 2)
    assert re.search(r"this time  2 min: about [\d.,]+( thousand| million)? images", result.out)
    assert "this time" not in cli("train", photos, *TINY, *words).out
    short = cli("train", photos, *TINY, "--kimg", 0.004, "--dry-run", "--minutes", 60)
    assert "this time" not in short.out  # it will end before


def test_threads_compute_with_so_many(cli, photos):
    before = torch.get_num_threads()
    try:
        result = cli("train", photos, *TINY, "--threads", 3, "--dry-run")
        assert "CPU, 3 threads" in result.out
    finally:
        torch.set_num_threads(before)
    for number in (0, -1, 1.5, "many", 10**6):
        assert "--threads" in cli("train", photos, "--threads", number, "--dry-run").error()


def test_resume_trains_some_minutes_more(cli, run):
    assert clocks(run)["images_seen"] == 1000 * run.read_config().training.kimg  # its full length
    result = cli("train", "--resume", run.path, "--minutes", 0.005)
    assert result.status == 0, result.err
    assert "its time is over" in result.out
    assert f"Go on: stylesmith train --resume {run.path} --minutes 0.005\n" in result.out
    assert clocks(run)["images_seen"] > 24


NARROW = ("generator.max_channels=4", "discriminator.max_channels=4", "generator.mapping.layers=1")


def test_a_scaled_schedule_passes_every_level(cli, photos, tmp_path):
    settings = (*NARROW, "training.batch_size=4", "training.growth.repeats=1")
    words = [word for setting in settings for word in ("--set", setting)]
    length = ("--kimg", 0.12, "--scale-schedule")
    out = tmp_path / "run"
    result = cli("train", photos, "--preset", "stylegan-a", *length, *words, "--out", out)
    assert result.status == 0, result.err
    assert "growing    0.006 thousand images a level, 0.006 to fade in" in result.out
    config = RunFolder(out).read_config()
    assert config.training.kimg == 0.12
    assert config.training.growth.train_kimg == pytest.approx(0.006)
    assert (
        "--scale-schedule cannot be given"
        in cli("train", "--resume", out, "--kimg", 1, "--scale-schedule").error()
    )
    assert cli("train", "--resume", out, "--kimg", 0.14).status == 0
    assert clocks(RunFolder(out))["images_seen"] == 140


def test_a_dry_run_writes_nothing(cli, photos, run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for words in ((photos, "--out", tmp_path / "new"), (photos,), ("--resume", run.path)):
        preset = TINY if "--resume" not in words else ()
        result = cli("train", *words, *preset, "--dry-run")
        assert (result.status, result.err) == (0, "")
        assert "memory" in result.out and "time" in result.out
        assert "Stopped" not in result.out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_existing_output_is_kept_without_force(cli, photos, run):
    before = clocks(run)
    assert "--force" in cli("train", photos, *TINY, "--out", run.path).error()
    assert clocks(run) == before
    assert cli("train", photos, *TINY, "--out", run.path, "--force", "--kimg", 0.004).status == 0
    assert clocks(run)["images_seen"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--preset", "tinny"), "Did you mean tiny?"),
        (("--set", "training.r1_gama=1"), "did you mean training.r1_gamma?"),
        (("--set", "r1_gamma=1"), "did you mean training.r1_gamma?"),
        (
            ("--set", "training.r1_gamma=strong"),
            "training.r1_gamma: input should be a valid number",
        ),
        (("--set", "training.r1_gamma"), "wanted key=value"),
        (("--set", "training.batch_size=0"), "greater than or equal to 1"),
        (("--set", "training.micro_batch=3"), "wanted a multiple of 3"),
        (("--set", "generator.levels=5"), "must be the data's"),
        (("--channels", "2"), "--channels 2: wanted 1, 3 or 4"),
        (("--channels", "many"), "--channels"),
        (("--resolution", "100"), "size 100x100: wanted a power of two"),
        (("--resolution", "large"), "size 'large'"),
        (("--kimg", "inf"), "--kimg inf: wanted a finite number"),
        (("--kimg", "nan"), "--kimg"),
        (("--kimg", "0"), "--kimg"),
        (("--scale-schedule",), "--scale-schedule: wanted --kimg too"),
        (("--preset", "stylegan-a", "--kimg", "7"), "growing from 4 to 8x8 takes 1200 thousand"),
        (("--preset", "stylegan-a", "--set", "training.growth.start=16"), "have the levels 4, 8"),
        (("--preset", "stylegan-f-ffhq"), "stylegan-f-ffhq is for 1024x1024 RGB"),
        (("--set", "training.growth={}"), "connection is skip, which doesn't grow"),
        (
            ("--preset", "stylegan-f", "--set", "generator.spectral_norm=true"),
            "kind adain needs spectral_norm=false",
        ),
        (("--minutes", "inf"), "--minutes inf: wanted a finite number"),
        (("--seed", "-1"), "--seed"),
        (("--device", "abacus"), "--device"),
        (("--mirorr",), "No such option: --mirorr (Possible options: --mirror)"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, photos, tmp_path, words, message):
    preset = () if "--preset" in words else ("--preset", "tiny")
    out = tmp_path / "run"
    assert message in cli("train", photos, "--out", out, *preset, *words).error()
    assert not out.exists()


def test_data_that_cannot_be_used_is_named(cli, tmp_path):
    out = tmp_path / "run"
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no image")
    unlabeled = tmp_path / "unlabeled"
    unlabeled.mkdir()
    shutil.copy(support.make_photos(tmp_path / "photos") / "class0" / "000.png", unlabeled)
    mixed = tmp_path / "mixed"
    shutil.copytree(unlabeled, mixed)
    Image.new("RGB", (16, 16)).save(mixed / "larger.png")
    broken = tmp_path / "broken"
    shutil.copytree(unlabeled, broken)
    (broken / "bad.png").write_text("no image")
    for words, message in (
        ((tmp_path / "nowhere",), "nowhere: there is no such folder or zip"),
        ((tmp_path / "empty",), "empty: is empty"),
        ((tmp_path / "texts",), "holds no images, only 1 .txt"),
        ((tmp_path / "texts" / "a.txt",), "neither a folder nor a zip"),
        ((unlabeled, "--conditional"), "has no labels, which --conditional needs"),
        ((mixed,), "images have 2 sizes"),
        ((broken,), "'bad.png'"),
    ):
        assert message in cli("train", *words, *TINY, "--out", out).error()
        assert not out.exists()


def test_what_to_train_on_and_where_must_be_said(cli, photos):
    assert "wanted DATA and --out" in cli("train").error()
    assert "wanted DATA and --out" in cli("train", photos).error()


def test_output_in_an_impossible_place_is_refused(cli, photos, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "run"
    assert f"{out}" in cli("train", photos, *TINY, "--out", out).error()
    result = cli("train", photos, *TINY, "--out", tmp_path / "file", "--force")
    assert "wanted a folder" in result.error()
    assert (tmp_path / "file").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("--out", "elsewhere"),
        ("--preset", "tiny"),
        ("--conditional",),
        ("--mirror",),
        ("--resolution", "8"),
        ("--channels", "3"),
        ("--seed", "1"),
        ("--force",),
    ],
    ids=lambda words: words[0],
)
def test_resume_takes_no_other_data_or_networks(cli, run, words):
    before = clocks(run)
    assert f"{words[0]} cannot be given" in cli("train", "--resume", run.path, *words).error()
    assert clocks(run) == before


def test_data_that_has_moved_can_be_named(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    run = support.start(photos, tmp_path / "run", steps=1)
    moved = photos.rename(tmp_path / "moved")
    error = cli("train", "--resume", run.path, "--kimg", 1).error()
    assert f"{photos}: no such folder or zip" in error
    command = f"stylesmith train --resume {run.path} NEW_PATH"
    assert error.endswith(command)
    words = command.replace("NEW_PATH", str(moved)).split()[1:]
    assert cli(*words, "--kimg", 0.008).status == 0
    assert (clocks(run)["images_seen"], run.read_config().data.path) == (8, str(moved))
    other = support.make_photos(tmp_path / "other", count=8)
    before = run.config.read_bytes()
    assert "has changed" in cli("train", other, "--resume", run.path, "--kimg", 1).error()
    assert run.config.read_bytes() == before


def test_damage_found_on_the_way_loses_nothing(cli, photos, tmp_path, monkeypatch):
    out, take, calls = tmp_path / "run", BatchLoader.load_batch, []

    def take_twice(loader, positions, upcoming=()):
        calls.append(positions)
        if len(calls) > 2:
            raise DataError("photo.png cannot be read: truncated")
        return take(loader, positions, upcoming)

    monkeypatch.setattr(BatchLoader, "load_batch", take_twice)
    assert "photo.png" in cli("train", photos, *TINY, "--out", out, "--kimg", 0.02).error()
    assert clocks(RunFolder(out))["images_seen"] == 8
    monkeypatch.undo()
    whole = tmp_path / "whole"
    assert cli("train", "--resume", out).status == 0
    assert cli("train", photos, *TINY, "--out", whole, "--kimg", 0.02).status == 0
    newest = (newest_state(RunFolder(folder))[0] for folder in (out, whole))
    assert support.differing(*newest) == []


def test_a_damaged_image_can_be_left_out_from_then_on(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    run = support.start(photos, tmp_path / "run", steps=1)
    path = next(photos.rglob("*.png"))
    content = bytearray(path.read_bytes())
    content[45:60] = bytes(15)  # of the same length and with whole ends: found by decoding only
    path.write_bytes(content)
    assert "cannot be read" in cli("train", "--resume", run.path, "--kimg", 0.1).error()
    assert cli("train", "--resume", run.path, "--kimg", 0.1, "--skip-bad").status == 0
    assert clocks(run)["images_seen"] == 100


def test_resume_with_other_networks_is_refused(cli, run):
    before = run.config.read_bytes()
    words = ("--set", "generator.max_channels=4", "--kimg", 1)
    message = cli("train", "--resume", run.path, *words).error()
    assert "resumed with the generator it was started with" in message
    assert run.config.read_bytes() == before


def test_resume_of_what_is_no_run_is_refused(cli, tmp_path):
    assert "not a run folder" in cli("train", "--resume", tmp_path).error()
    assert "not a run folder" in cli("train", "--resume", tmp_path / "nowhere").error()
    (tmp_path / "config.json").write_text("{")
    assert "config.json" in cli("train", "--resume", tmp_path).error()


def test_resume_says_what_was_given_in_place_of_a_run(cli, run, photos, tmp_path):
    """Models, checkpoints, images, a folder of runs: what each is, and what to do."""
    given = {
        run.path / "model": f"part of the run {run.path}. Name that folder",
        run.checkpoints()[0]: f"part of the run {run.path}. Name that folder",
        run.model / "model.safetensors": f"part of the run {run.path}. Name that folder",
        run.path.parent: f"it holds runs. Name one of them, such as {run.path}",
        photos: f"a folder of images. To start a run: stylesmith train {photos} --out runs/new",
        "https://example.org/run": "https://example.org/run: a web address; download the file",
    }
    shutil.copytree(run.model, tmp_path / "copy")
    given[tmp_path / "copy"] = "a model folder, which has the weights to draw with; training goes"
    for name, content, what in (
        ("x.pkl", b"\x80\x04N.", "a file of weights; training goes on only from a run folder"),
        ("x.zip", b"PK\5\6" + bytes(18), "a file of weights; training goes on only"),
        ("x.png", b"\x89PNG\r\n", "a PNG image; training goes on only from a run folder"),
    ):
        (tmp_path / name).write_bytes(content)
        given[tmp_path / name] = what
    for path, message in given.items():
        text = cli("train", "--resume", path).error()
        assert "not a run folder: " in text and message in text, text


def test_resume_says_which_checkpoint_was_damaged(cli, run):
    support.truncate(run.checkpoints()[0])
    result = cli("train", "--resume", run.path, "--kimg", 0.028)
    assert (result.status, result.err) == (0, "")
    assert "000000024.safetensors: damaged" in result.out
    assert clocks(run)["images_seen"] == 28


def test_resume_of_a_run_without_a_whole_checkpoint_fails_in_one_line(cli, run):
    for path in run.checkpoints():
        support.truncate(path)
    result = cli("train", "--resume", run.path, "--kimg", 0.028)
    assert "none of its checkpoints is whole" in result.error()


def test_resume_with_changed_data_is_refused(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    run = support.start(photos, tmp_path / "run", steps=1)
    (photos / "class0" / "000.png").unlink()
    assert "has changed since the run started" in cli("train", "--resume", run.path).error()
    shutil.rmtree(photos)
    assert "no such folder or zip" in cli("train", "--resume", run.path).error()
    assert clocks(run)["steps"] == 1


def test_a_failed_run_ends_with_1_and_advice(cli, photos, tmp_path, monkeypatch):
    real = loss_passes.generator_pass

    def bad(networks, draw, **options):
        loss, stats = real(networks, draw, **options)
        return loss * float("nan"), stats

    monkeypatch.setattr(loss_passes, "generator_pass", bad)
    out = tmp_path / "run"
    result = cli("train", photos, *TINY, "--out", out)
    assert "Lower the learning rates" in result.error(status=1)
    assert "back to 0 images" in result.out
    assert RunFolder(out).checkpoints() != []


def test_skipped_images_are_named(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    (photos / "class0" / "bad.png").write_bytes(b"")
    words = ("--skip-bad", "--kimg", 0.004, "--out", tmp_path / "run")
    result = cli("train", photos, *TINY, *words)
    assert result.status == 0, result.err
    assert "Left out 'class0/bad.png': empty file" in result.out
    (begun,) = [r for r in read_log(tmp_path / "run" / "log.jsonl") if r["event"] == "start"]
    assert begun["dataset_images"] == 16


def test_tensorboard_is_an_extra(cli, photos, tmp_path):
    pytest.importorskip("torch.utils.tensorboard", reason="without it, see test_log")
    words = ("--tensorboard", "--kimg", 0.02, "--out", tmp_path / "run")
    assert cli("train", photos, *TINY, *words).status == 0
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_the_config_of_a_run_is_plain_json(finished_run):
    assert json.loads(finished_run.config.read_text())["training"]["batch_size"] == 4


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_class_names_reach_the_run_the_model_and_the_report(cli, tmp_path, kind):
    photos = support.make_photos(tmp_path / "photos", classes=3)
    for old, new in (("class0", "2"), ("class1", "10"), ("class2", "rare & old")):
        (photos / old).rename(photos / new)
    data = photos
    if kind == "zip":
        data = prepare_dataset(photos, tmp_path / "photos.zip", size=(8, 8)).path
    out = tmp_path / "run"
    result = cli("train", data, *TINY, "--out", out, "--conditional", "--kimg", 0.004)
    assert "of 8x8 RGB with labels of length 3 (2, 10, rare & old)" in result.out, result.err
    names = ("2", "10", "rare & old")
    assert RunFolder(out).read_config().data.class_names == names
    assert load(out).class_names == names
    assert "(2, 10, rare &amp; old)" in (out / "report.html").read_text()
    image = tmp_path / "image.png"
    assert cli("generate", out, "--class", "rare & old", "--seeds", 0, "--out", image).status == 0


def test_resume_refuses_other_images_of_equal_names_and_sizes(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos")
    run = support.start(photos, tmp_path / "run", steps=1)
    path = next(photos.rglob("*.png"))
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    assert "has changed since" in cli("train", "--resume", run.path, "--kimg", 0.1).error()


def test_a_run_with_the_first_fingerprint_goes_on(cli, tmp_path):
    """Names and sizes were all it knew; classes were in the order of the alphabet."""
    photos = support.make_photos(tmp_path / "photos")
    for old, new in (("class0", "2"), ("class1", "10")):
        (photos / old).rename(photos / new)
    out = tmp_path / "run"
    words = ("train", photos, *TINY, "--out", out, "--conditional", "--kimg", 0.004)
    assert cli(*words).status == 0
    config = json.loads((out / "config.json").read_text())
    first = open_dataset(photos, version=1)
    config["data"] |= {"fingerprint": first.fingerprint, "class_names": []}
    (out / "config.json").write_text(json.dumps(config))
    result = cli("train", "--resume", out, "--kimg", 0.008)
    assert result.status == 0, result.err
    assert load(out).class_names == ("10", "2")
