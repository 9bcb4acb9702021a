"""Classes, labels and truncated layers of commands: read strictly, by name before number."""

import numpy as np
import pytest
from PIL import Image

from stylesmith import load, load_latents
from stylesmith.networks.sample_inputs import prefer_class_name
from tests.cli.commands import COMMANDS, parameters_of

WHOLE_NUMBERS = {
    f"{' '.join(words)} {parameter.opts[-1]}": (words, parameter.opts[-1])
    for words, parameter in parameters_of(int)
}


@pytest.mark.parametrize("case", WHOLE_NUMBERS)
@pytest.mark.parametrize("value", ["0-5", "3-", "00-0", "1.0", "0x10", "²", "1 2"])
def test_a_whole_number_is_nothing_else(cli, case, value):
    words, option = WHOLE_NUMBERS[case]
    assert cli(*words, f"{option}={value}").error() == f"{option} {value!r}: wanted a whole number"


@pytest.fixture(scope="session")
def classes_run(conditional_run):
    return conditional_run.path


@pytest.fixture
def two_classes(classes_run, cli, tmp_path):
    """Draw with a network of two classes; returns the pixels."""

    def draw(*words: object) -> np.ndarray:
        out = tmp_path / "drawn.png"
        done = cli("generate", classes_run, *words, "--out", out, "--force")
        assert done.status == 0, done.err
        return np.asarray(Image.open(out)).astype(int)

    return draw


@pytest.mark.parametrize("classes", ["0-1", "0,1", "all"])
def test_several_classes_are_the_columns_of_a_grid(two_classes, classes):
    grid = two_classes("--seeds", "3-4", "--class", classes)
    columns = [
        two_classes("--seeds", "3-4", "--class", number, "--columns", "1") for number in (0, 1)
    ]
    np.testing.assert_array_equal(grid, np.concatenate(columns, axis=1))
    assert (columns[0] != columns[1]).any()


def test_a_label_is_given_by_its_numbers(two_classes):
    np.testing.assert_array_equal(
        two_classes("--seeds", "3", "--label", "0,1"), two_classes("--seeds", "3", "--class", "1")
    )
    two_classes("--seeds", "3", "--label", "0.5,0.3")


def test_every_command_that_takes_a_class_takes_a_label():
    taking = {
        option: {words for words, command in COMMANDS.items() if option in options_of(command)}
        for option in ("--class", "--label")
    }
    assert taking["--class"] == taking["--label"] and len(taking["--class"]) >= 8


def options_of(command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_a_projection_starts_at_a_label(two_classes, classes_run, cli, tmp_path):
    two_classes("--seeds", "3", "--class", "1")
    image = tmp_path / "drawn.png"
    found = []
    for words in (["--label", "0,1"], ["--class", "1"], ["--label", "0.5,0.5"]):
        out = tmp_path / "-".join(words)
        search = ("--steps", "2", "--distance", "pixels", "--out", out)
        assert cli("project", classes_run, image, *words, *search).status == 0
        codes = load_latents(out / "drawn" / "latent.safetensors", load(classes_run))
        found.append(codes.ws.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()
    words = ("--label", "0,1", "--steps", "2", "--distance", "pixels", "--out", out)
    assert (
        "was made by other settings"
        in cli("project", classes_run, image, *words, "--resume").error()
    )
    again = (*words[2:], "--label", "0.5,0.5", "--resume")
    assert cli("project", classes_run, image, *again).status == 0


def test_a_figure_draws_a_label(classes_run, cli, tmp_path):
    drawn = {}
    for words in (["--label", "0,1"], ["--class", "1"], ["--class", "0"]):
        out = tmp_path / f"{'-'.join(words)}.png"
        assert cli("figure", "stylegan-8", classes_run, *words, "--out", out).status == 0
        drawn[" ".join(words)] = panels(out)
    assert (drawn["--label 0,1"] == drawn["--class 1"]).all()
    assert (drawn["--class 0"] != drawn["--class 1"]).any()


def panels(path) -> np.ndarray:
    """A figure without its caption, which names the class."""
    pixels = np.asarray(Image.open(path).convert("L")).astype(int)
    return pixels[: pixels.shape[0] // 2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--class", "0-2"], "there is no class 2, only 0-1"),
        (["--class", "1-0"], "runs backwards"),
        (["--class", "00-0"], "class 00-0: this network has the classes 0-1"),
        (["--class", "007"], "class 007: this network has the classes 0-1"),
        (["--label", "a,b"], "--label a,b: wanted numbers, such as 0.5,0.3"),
        (["--label", "0.5"], "a label of this network has 2 numbers, got 1"),
        (["--label", "0,1", "--class", "1"], "wanted one of the two"),
        (["--class", "all", "--columns", "2"], "several classes are a grid"),
        (["--class", "0", "--psi-layers", "0-1", "--psi-cutoff", "2"], "wanted one of the two"),
    ],
)
def test_what_is_no_class_or_label_is_refused(cli, classes_run, tmp_path, words, message):
    out = tmp_path / "x.png"
    assert message in cli("generate", classes_run, "--seeds", "3", *words, "--out", out).error()
    assert not out.exists()


def test_a_name_that_is_a_number_wins_over_the_number():
    names = ["2", "10", "0"]
    assert prefer_class_name(0, names) == "0"
    assert prefer_class_name(1, names) == 1
    assert prefer_class_name("2", names) == "2"
    assert prefer_class_name(3, None) == 3
    assert prefer_class_name(None, names) is None


def test_a_cutoff_is_the_layers_below_it(cli, two_classes, classes_run, tmp_path):
    drawn = two_classes("--seeds", "3", "--class", "0", "--psi", "0", "--psi-cutoff", "2")
    layers = two_classes("--seeds", "3", "--class", "0", "--psi", "0", "--psi-layers", "0-1")
    np.testing.assert_array_equal(drawn, layers)
    words = ["--seeds", "3", "--class", "0", "--psi-layers", "2", "--out", tmp_path / "y.png"]
    done = cli("generate", classes_run, *words)
    assert done.status == 0
    assert "note: --psi-layers 2 truncates layer 2 alone; --psi-cutoff 2" in done.err
