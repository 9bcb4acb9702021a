"""`stylesmith train --from MODEL`: a run that starts with the weights of another model."""

import shutil

import pytest
import torch

from stylesmith.config import DataConfig
from stylesmith.models import RunFolder, load, load_bundle
from stylesmith.models.interop import write_external
from stylesmith.networks import build_discriminator
from stylesmith.presets import find_preset
from tests import support
from tests.support import differing, newest_state

TINY = ("--preset", "tiny", "--device", "cpu")


@pytest.fixture
def tune(cli, finished_run, tmp_path):
    """Fine-tune the finished run, or another source, on other photographs."""
    photos = support.make_photos(tmp_path / "others", count=12, classes=3)

    def run(*words, source=finished_run.path, steps=3, name="tuned"):
        out = tmp_path / name
        length = ("--kimg", support.kimg(steps))
        done = cli("train", photos, *TINY, *length, "--from", source, *words, "--out", out)
        assert done.status == 0, done.err
        return RunFolder(out), done.out

    return run


def first_state(run: RunFolder) -> dict[str, torch.Tensor]:
    return newest_state(SimpleRun(run))[0]


class SimpleRun(RunFolder):
    """A run with its first checkpoint alone."""

    def __init__(self, run: RunFolder):
        super().__init__(run.path)

    def checkpoints(self):
        return super().checkpoints()[-1:]


def test_it_starts_with_all_weights_and_fresh_optimizers(tune, finished_run):
    run, said = tune()
    source, _ = newest_state(finished_run)
    start = first_state(run)
    networks = ("generator.", "discriminator.", "ema.")
    kept = {name for name in source if name.startswith(networks)}
    shared = {name: source[name] for name in kept}
    assert differing(shared, {name: start[name] for name in kept}) == []
    moments = [start[name] for name in start if "_optimizer." in name]
    assert moments and not any(tensor.any() for tensor in moments)
    assert float(start["path_mean"]) == 0
    assert "generator, average and discriminator; optimizers start anew" in said
    config = run.read_config()
    assert config.training.source == str(finished_run.path.resolve())
    assert config.training.ema_rampup is None
    assert differing(start, newest_state(run)[0])  # and it learns


def test_first_samples_are_those_of_the_source(tune, finished_run):
    run, _ = tune()
    newest = finished_run.samples(newest_state(finished_run)[1]["clocks"]["images_seen"])
    assert run.samples(0).read_bytes() == newest.read_bytes()


@pytest.mark.parametrize("form", ["model", "ada.pkl"])
def test_other_models_are_sources_too(tune, finished_run, tmp_path, form):
    source = finished_run.model
    if form == "ada.pkl":
        source = tmp_path / form
        write_external(source, "ada", load_bundle(finished_run.path).networks())
    run, said = tune(source=source)
    assert ("a fresh discriminator" in said) == (form == "model")
    expected = load(source).state_dict()
    start = first_state(run)
    assert differing(expected, {name: start[f"ema.{name}"] for name in expected}) == []


def test_frozen_layers_do_not_move_and_others_do(tune):
    run, said = tune("--freeze-d", 2)
    first, last = first_state(run), newest_state(run)[0]
    names = [name for name in first if name.startswith("discriminator.")]
    frozen = [n for n in names if ".from_rgb." in n or ".blocks.0.conv0." in n]
    assert differing({n: first[n] for n in frozen}, {n: last[n] for n in frozen}) == []
    moved = differing({n: first[n] for n in names}, {n: last[n] for n in names})
    assert set(names) - set(moved) == set(frozen) and len(frozen) == 4
    assert "of which 2 layers stay" in said


def test_a_fine_tuned_run_goes_on_to_the_bit(tune, cli, tmp_path):
    whole, _ = tune("--freeze-d", 1, "--augment", "ada", steps=9, name="whole")
    parts, _ = tune("--freeze-d", 1, "--augment", "ada", steps=4, name="parts")
    assert cli("train", "--resume", parts.path, "--kimg", support.kimg(9)).status == 0
    assert differing(newest_state(whole)[0], newest_state(parts)[0]) == []


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_with_its_source(tune, cli):
    run, _ = tune(steps=4)
    expected = newest_state(run)[0]
    shutil.rmtree(run.path / "checkpoints")
    run.log.unlink()
    assert cli("train", "--resume", run.path).status == 0
    assert differing(expected, newest_state(run)[0]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "RUN", "--freeze-d", "99"], "--freeze-d 99: this discriminator has 4 layers"),
        (["--freeze-d", "1"], "--freeze-d 1: wanted --from MODEL too"),
        (["--from", "avatars"], "avatars: draws 32x32 RGB, the data is 8x8 RGB. Wanted --resol"),
        (["--from", "RUN", "--channels", "1"], "the data is 8x8 gray. Wanted --channels 3"),
        (["--from", "RUN", "--conditional"], "draws without classes"),
        (["--from", "nowhere"], "nowhere: "),
        (["--from", "PHOTOS"], "image"),
    ],
)
def test_what_cannot_be_tuned_is_one_line(cli, photos, finished_run, tmp_path, words, message):
    places = {"RUN": finished_run.path, "PHOTOS": photos}
    words = [places.get(word, word) for word in words]
    out = tmp_path / "run"
    assert message in cli("train", photos, *TINY, *words, "--out", out).error()
    assert not out.exists()


def test_a_generator_that_wants_another_discriminator_is_one_line(cli, photos, tmp_path):
    kind = ("generator.connection=multiscale", "discriminator.connection=multiscale")
    source = support.start(photos, tmp_path / "source", *kind, steps=1)
    out = tmp_path / "out"
    words = ("train", photos, *TINY, "--kimg", support.kimg(1), "--out", out)
    message = "a multiscale generator needs a multiscale discriminator"
    assert message in cli(*words, "--from", source.model).error()
    assert not out.exists()
    assert cli(*words, "--from", source.path).status == 0  # which has one


def test_a_grown_network_is_tuned_at_its_full_size(cli, photos, tmp_path):
    grow = ["generator.connection=grow", "discriminator.connection=grow"]
    growth = 'training.growth={"start": 4, "train_kimg": 0.004, "fade_kimg": 0.004}'
    source = support.start(photos, tmp_path / "source", *grow, growth, steps=4)
    out = tmp_path / "out"
    words = ("--kimg", support.kimg(2), "--from", source.path, "--out", out)
    assert cli("train", photos, *TINY, *words).status == 0
    assert RunFolder(out).read_config().training.growth is None


def test_a_run_keeps_its_source_and_frozen_layers(tune, cli):
    run, _ = tune()
    assert "--from" in cli("train", "--resume", run.path, "--from", "avatars").error()
    changed = ("--set", "training.freeze_d=1")
    message = "is resumed with the training.freeze_d it was started with"
    assert message in cli("train", "--resume", run.path, *changed).error()


@pytest.mark.parametrize(
    ("preset", "layers"),
    [
        ("auto", ["from_rgb", "conv0", "conv1", "shortcut"]),
        ("stylegan2-d", ["0", "conv0", "conv1", "1"]),
    ],
)
def test_layers_are_counted_from_the_image_on(preset, layers):
    config = find_preset(preset).build(DataConfig(size=(16, 16)), torch.device("cpu"))
    with torch.device("meta"):
        discriminator = build_discriminator(config.discriminator)
    names = {module: name.split(".")[-1] for name, module in discriminator.named_modules()}
    found = [names[layer] for layer in discriminator.image_layers()]
    assert found[:4] == layers
    assert "epilogue" not in found
    assert len(found) == 1 + 2 * 3
