"""`stylesmith evaluate` and `classifiers`: results for people and programs, errors in one line."""

import json
import shutil
from pathlib import Path

import pytest

from stylesmith.data.prepare import prepare_dataset
from tests.support import make_photos, start

LIST = "image,even,low\n" + "".join(f"{i:03d}.png,{(i + 1) % 2},{int(i < 20)}\n" for i in range(40))


pytestmark = pytest.mark.usefixtures("fake_networks")


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_is_measured_against_its_own_data(cli, finished_run):
    result = cli("evaluate", finished_run.path, "--metrics", "fid16,ppl2_wend_8")
    assert result.status == 0, result.err
    assert "Measuring fid16 (16 images), ppl2_wend_8 (8 pairs)" in result.out
    names = [line.split()[0] for line in result.out.splitlines()[-2:]]
    assert names == ["fid16", "ppl2_wend_8"]
    assert result.err == ""


def test_json_lines_are_all_that_stdout_gets(cli, finished_run, photos, tmp_path):
    out = tmp_path / "new" / "results.jsonl"
    words = ("--data", photos, "--metrics", "fid4,pr8_3", "--repeats", 2, "--seed", 5)
    result = cli("evaluate", finished_run.path, *words, "--json", "--out", out)
    assert result.status == 0, result.err
    found = lines(result.out)
    assert [(line["protocol"], line["part"]) for line in found] == [
        ("fid4", None),
        *[("pr8_3", part) for part in ("precision", "recall", "density", "coverage")],
    ]
    assert all(line["seed"] == 5 and len(line["values"]) == 2 for line in found)
    assert out.read_text() == result.out
    assert "Measuring" in result.err
    assert "note: fid4: 4 images are no more than the 6 features" in result.err


def test_the_same_command_gives_the_same_numbers(cli, finished_run):
    words = ("evaluate", finished_run.path, "--metrics", "fid16,ppl_zfull_8", "--json")
    first, second = (lines(cli(*words).out) for _ in range(2))
    assert [line["value"] for line in first] == [line["value"] for line in second]


def test_real_statistics_are_kept_unless_refused(cli, finished_run, tmp_path):
    words = ("evaluate", finished_run.path, "--metrics", "fid16")
    assert cli(*words, "--no-cache").status == 0
    assert not (tmp_path / "cache").exists()
    assert cli(*words).status == 0
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_two_folders_are_compared(cli, photos, tmp_path):
    other = make_photos(tmp_path / "other", count=12)
    prepare_dataset(photos, tmp_path / "photos.zip", size=(8, 8))
    words = ("--metrics", "fd_random_12,nearest_random_12", "--json")
    result = cli("evaluate", other, "--data", tmp_path / "photos.zip", *words)
    assert result.status == 0, result.err
    assert [line["metric"] for line in lines(result.out)] == ["fd_random"] + ["nearest_random"] * 2
    assert lines(result.out)[0]["psi"] is None


def test_another_extractor_never_goes_by_the_published_name(cli, finished_run):
    words = ("--metrics", "fid16,kid16,pr16_3", "--extractor", "random", "--json")
    found = lines(cli("evaluate", finished_run.path, *words).out)
    names = {line["metric"] for line in found}
    assert names == {"fd_random", "kd_random", "pr_random"}


def test_a_model_with_classes_draws_them_from_the_data(cli, conditional_run, finished_run, photos):
    words = ("--metrics", "fid16", "--json")
    assert cli("evaluate", conditional_run.path, *words).status == 0
    snapshot = conditional_run.model
    assert "draws by class" in cli("evaluate", snapshot, "--metrics", "ppl2_wend_4").error()
    data = ("--data", photos)
    assert cli("evaluate", snapshot, *data, "--metrics", "ppl2_wend_4").status == 0


def test_a_model_may_be_the_reference(cli, finished_run):
    words = ("--data", finished_run.model, "--metrics", "fid16", "--json")
    (line,) = lines(cli("evaluate", finished_run.path, *words).out)
    assert line["data_hash"] == line["model_hash"] and line["value"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--metrics", "fib50k"),
            "--metrics fib50k: there is no such metric; did you mean fid50k?",
        ),
        (("--metrics", ""), "wanted names such as"),
        (("--metrics", "ls"), "needs attribute classifiers: --classifiers FOLDER"),
        (("--metrics", "ls", "--classifiers", "nowhere"), "nowhere: holds no classifiers"),
        (("--metrics", "is16", "--extractor", "random"), "random tells no classes"),
        (("--repeats", "0"), "--repeats"),
        (("--psi", "3"), "--psi"),
        (("--protocol", "large"), "'paper', 'small'"),
        (("--resolution", "7"), "size"),
        (("--data", "nowhere"), "nowhere: there is no such folder or zip"),
    ],
)
def test_wrong_words_are_one_line(cli, finished_run, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in cli("evaluate", finished_run.path, *words).error()


def test_images_of_another_size_say_what_to_do(cli, finished_run, tmp_path):
    large = make_photos(tmp_path / "large", size=16)
    words = ("evaluate", finished_run.path, "--data", large, "--metrics", "fid16")
    assert "--resolution 8 resizes the data" in cli(*words).error()
    assert cli(*words, "--resolution", 8).status == 0


def test_a_folder_that_is_too_small_says_what_to_ask_for(cli, photos):
    message = cli("evaluate", photos, "--data", photos, "--metrics", "fid50k").error()
    assert "holds 16 images, fid50k takes 50000. Ask for fewer, as in --metrics fid16" in message
    assert cli("evaluate", photos, "--data", photos, "--metrics", "fid16").status == 0


def test_models_and_output_are_checked_before_work(cli, finished_run, tmp_path):
    nowhere = cli("evaluate", tmp_path / "nowhere", "--metrics", "ppl2_wend_4").error()
    assert "no such run, model folder or file" in nowhere
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    words = ("evaluate", finished_run.path, "--metrics", "fid16", "--out", out)
    assert "exists already" in cli(*words).error()
    assert out.read_text() == "mine"
    assert cli(*words, "--force").status == 0
    assert lines(out.read_text())[0]["protocol"] == "fid16"


def test_a_run_whose_data_is_gone_needs_some_named(cli, finished_run, photos, tmp_path):
    run = shutil.copytree(finished_run.path, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["data"]["path"] = str(tmp_path / "gone")
    (run / "config.json").write_text(json.dumps(config))
    assert "name them by --data" in cli("evaluate", run, "--metrics", "fid16").error()
    assert cli("evaluate", run, "--data", photos, "--metrics", "fid16").status == 0


@pytest.fixture
def labeled(tmp_path) -> Path:
    folder = make_photos(tmp_path / "labeled", count=40)
    (folder / "attributes.csv").write_text(LIST)
    return folder


@pytest.fixture
def short_training(monkeypatch):
    from stylesmith.metrics import classifiers

    monkeypatch.setitem(classifiers.TRAINING_IMAGES, "small", 16)
    monkeypatch.setitem(classifiers.MAX_CHANNELS, "small", 4)


def test_classifiers_are_trained_and_used(cli, labeled, finished_run, tmp_path, short_training):
    out = tmp_path / "classifiers"
    result = cli("classifiers", "train", labeled, "--out", out, "--protocol", "small")
    assert result.status == 0, result.err
    assert "2 attributes of 40 images, 16 images each" in result.out
    assert f"2 classifiers -> {out}" in result.out
    words = ("--metrics", "ls_100", "--classifiers", out, "--json")
    found = lines(cli("evaluate", finished_run.path, *words).out)
    assert [line["part"] for line in found] == ["z", "w"]
    assert list(found[0]["details"]["entropies"]["w"]) == ["even", "low"]


def test_attributes_that_do_not_fit_are_one_line(cli, labeled, photos, tmp_path, short_training):
    out = tmp_path / "classifiers"
    words = ("--out", out, "--protocol", "small")
    assert "holds no attributes" in cli("classifiers", "train", photos, *words).error()
    (labeled / "attributes.csv").write_text(LIST.replace("039.png", "390.png"))
    message = cli("classifiers", "train", labeled, *words).error()
    assert "has no attributes for 1 of 40 images, such as 'class1/039.png'" in message
    assert not out.exists()


def test_a_run_with_held_out_images_is_measured(cli, photos, tmp_path):
    run = start(photos, tmp_path / "run", "data.hold_out=6", steps=2)
    done = cli("evaluate", run.path, "--metrics", "copies_random20")
    assert done.status == 0, done.err
    assert "copies_random20 share" in done.out and "copies_random20 control" in done.out


def test_other_runs_and_data_have_none(cli, finished_run, photos, tmp_path):
    wanted = "compares training images with held-out ones"
    words = ("--metrics", "copies_random20")
    assert wanted in cli("evaluate", finished_run.path, *words).error()
    assert wanted in cli("evaluate", finished_run.model, "--data", photos, *words).error()
    assert wanted in cli("evaluate", photos, "--data", photos, *words).error()
