"""`stylesmith train` with augmentation: options, what `auto` chooses, and what is said."""

import json

import pytest

from stylesmith.models import RunFolder
from stylesmith.presets.own_presets import auto_augmentation, auto_held_out_images
from tests import support

TINY = ("--preset", "tiny", "--device", "cpu", "--kimg", "0.02")


@pytest.fixture
def train(cli, photos, tmp_path):
    """Train a tiny run with some options; returns what was said and the run's settings."""

    def run(*words):
        out = tmp_path / "run"
        done = cli("train", photos, *TINY, *words, "--out", out, "--force")
        assert done.status == 0, done.err
        return done.out, RunFolder(out).read_config().training

    return run


@pytest.mark.parametrize(
    ("words", "kind", "strength"),
    [
        (["--augment", "none"], None, ("r_t", 0.0, None)),
        (["--augment", "ada"], "ada", ("r_t", 0.0, None)),
        (["--augment", "ada", "--hold-out", "6"], "ada", ("r_v", 0.0, None)),
        (["--target", "0.4"], "ada", ("r_t", 0.0, 0.4)),
        (["--augment-groups", "blit,color"], "ada", ("r_t", 0.0, None)),
        (["--augment", "fixed:0.3"], "ada", ("fixed", 0.3, None)),
        (["--augment", "diffaugment"], "diffaugment", ("fixed", 1.0, None)),
        (["--augment", "diffaugment", "--augment-groups", "cutout"], "diffaugment", None),
    ],
)
def test_options_become_settings(train, words, kind, strength):
    said, training = train(*words)
    assert (training.augment and training.augment.kind) == kind
    assert ("augments   " in said) == (kind is not None)
    if strength:
        found = training.strength
        assert (found.signal, found.initial, found.target) == strength


def test_a_run_goes_on_with_another_augmentation(train, cli, tmp_path):
    train()
    run = tmp_path / "run"
    done = cli("train", "--resume", run, "--kimg", "0.04", "--augment", "fixed:0.5")
    assert done.status == 0, done.err
    assert RunFolder(run).read_config().training.strength.initial == 0.5


def test_an_option_given_alone_leaves_the_others(train, cli, tmp_path):
    train("--augment", "ada", "--augment-groups", "bg", "--target", "0.3")
    run = tmp_path / "run"
    for kimg, words in ((0.04, ("--target", 0.4)), (0.06, ("--augment-groups", "blit"))):
        assert cli("train", "--resume", run, "--kimg", kimg, *words).status == 0
    training = RunFolder(run).read_config().training
    assert (training.augment.groups, training.strength.target) == ("blit", 0.4)


@pytest.mark.parametrize(("count", "augmented"), [(300, True), (40, False)])
def test_auto_knows_that_scores_of_wgan_gp_have_no_sign(cli, tmp_path, count, augmented):
    photos = support.make_photos(tmp_path / "photos", size=16, count=count, classes=1)
    words = ("--set", "training.loss=wgan_gp", "--set", "training.r1_gamma=0", "--kimg", 1)
    done = cli("train", photos, "--device", "cpu", "--dry-run", *words)
    assert done.status == 0, done.err
    assert ("augments   ada (bgc), by scores of held-out images" in done.out) == augmented


def test_groups_that_cannot_run_are_named(train):
    said, _ = train("--augment", "ada", "--augment-groups", "bgcf")
    assert "without filter: " in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--augment", "ad"], "--augment ad: wanted none, ada, diffaugment, or fixed:P with P"),
        (["--augment", "fixed"], "--augment fixed: wanted fixed:P with a number P in 0..1"),
        (["--augment", "fixed:1.5"], "--augment fixed:1.5: wanted fixed:P with a number P"),
        (["--augment", "fixed:nan"], "--augment fixed:nan: wanted fixed:P"),
        (["--augment", "none", "--target", "1"], "--target 1: belongs to --augment ada"),
        (["--augment", "fixed:1", "--target", "1"], "--target 1: belongs to --augment ada"),
        (["--augment", "none", "--augment-groups", "bg"], "nothing is augmented"),
        (["--augment-groups", "bgx"], "unknown group 'bgx'"),
        (["--augment", "diffaugment", "--augment-groups", "hue"], "unknown policy 'hue'"),
        (["--hold-out", "13"], "has 16 images, of which 13 are to be held out; hold out at most"),
        (["--hold-out", "-1"], "'--hold-out'"),
    ],
)
def test_what_cannot_be_followed_is_one_line(cli, photos, tmp_path, words, message):
    out = tmp_path / "run"
    assert message in cli("train", photos, *TINY, *words, "--out", out).error()
    assert not out.exists()


@pytest.mark.parametrize(
    ("images", "held_out", "augmentation"),
    [(16, 0, "ada"), (299, 0, "ada"), (300, 50, "ada"), (2000, 100, "ada"), (50_000, 500, "none")],
)
def test_auto_decides_by_the_number_of_images(images, held_out, augmentation):
    assert auto_held_out_images(images) == held_out
    assert auto_augmentation(images) == augmentation


def test_auto_augments_few_images_and_adjusts_within_the_run(cli, tmp_path):
    photos = support.make_photos(tmp_path / "photos", size=16, count=300, classes=1)
    words = ("train", photos, "--device", "cpu", "--dry-run")
    said = cli(*words).out
    assert "250 images of 16x16" in said and "held out   50 images" in said
    assert "by scores of held-out images (r_v 0.5), from 0 to 1 in 2500 thousand" in said
    assert "in 20 thousand" in cli(*words, "--kimg", "200").out
    assert "in 10 thousand" in cli(*words, "--minutes", "0.1").out
    assert "usually appear after 100 thousand images, about" in said


def test_settings_are_kept_as_json(train, tmp_path):
    train("--augment", "ada", "--augment-groups", "bg")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["training"]["augment"] == {"kind": "ada", "groups": "bg", "multipliers": {}}
