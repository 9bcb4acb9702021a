"""`stylesmith generate`: the same seed, the same image; wrong words, one line."""

import shutil

import numpy as np
import pytest
from PIL import Image

from stylesmith import load
from stylesmith.models import RunFolder
from tests import support
from tests.compatibility.observe import LATENT, run_path
from tests.support import read_pixels


def test_a_grid_has_one_image_per_seed(cli, finished_run, tmp_path):
    out = tmp_path / "new folder" / "grid.png"
    result = cli("generate", finished_run.path, "--seeds", "0-4", "--columns", 3, "--out", out)
    assert (result.status, result.err) == (0, "")
    assert f"5 images -> {out}" in result.out
    assert read_pixels(out).shape == (2 * 8, 3 * 8, 3)
    assert (read_pixels(out)[8:, 16:] == 0).all()  # the sixth place is empty


def test_a_folder_gets_one_file_per_seed(cli, finished_run, tmp_path):
    out = tmp_path / "images"
    assert cli("generate", finished_run.path, "--seeds", "3,12345", "--out", out).status == 0
    assert sorted(path.name for path in out.iterdir()) == ["seed0003.png", "seed12345.png"]
    assert read_pixels(out / "seed0003.png").shape == (8, 8, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".WebP", ".jpeg"])
def test_the_suffix_names_the_format(cli, finished_run, tmp_path, suffix):
    out = tmp_path / f"grid{suffix}"
    assert cli("generate", finished_run.path, "--seeds", "0-3", "--out", out).status == 0
    with Image.open(out) as image:
        assert image.format == {".jpg": "JPEG", ".WebP": "WEBP", ".jpeg": "JPEG"}[suffix]


@pytest.mark.parametrize("noise", ["fixed", "random", "none"])
def test_the_same_seed_gives_the_same_image_in_any_company(cli, finished_run, tmp_path, noise):
    words = ("--noise", noise, "--psi", 1)
    outs = []
    for seeds in ("0-8", "0-19", "7", "8,7,1"):
        outs.append(tmp_path / f"{noise} {len(outs)}")
        words_here = (*words, "--seeds", seeds, "--out", outs[-1])
        assert cli("generate", finished_run.path, *words_here).status == 0
    first = read_pixels(outs[0] / "seed0007.png")
    for out in outs[1:]:
        assert np.abs(read_pixels(out / "seed0007.png") - first).max() <= 1
    assert np.abs(read_pixels(outs[0] / "seed0008.png") - first).max() > 1


def test_psi_noise_and_classes_by_layer_and_center(cli, conditional_run, tmp_path):
    def draw(name, *words):
        out = tmp_path / f"{name}.png"
        words = ("--seeds", "0-1", "--class", 1, "--out", out, *words)
        result = cli("generate", conditional_run.path, *words)
        assert result.status == 0, result.err
        return read_pixels(out)

    whole = draw("whole", "--psi", 1)
    assert (draw("layers", "--psi", 0, "--psi-layers", "coarse") == draw("all", "--psi", 0)).all()
    some = draw("some", "--psi", 0, "--psi-layers", "2-3")
    assert (some != whole).any() and (some != read_pixels(tmp_path / "all.png")).any()
    center = draw("center", "--psi", 0, "--center", "class")
    assert (center[:, :8] == center[:, 8:]).all()
    assert (center != read_pixels(tmp_path / "all.png")).any()
    quiet = draw("quiet", "--noise", "none")
    assert (draw("named", "--noise", "0-3") == draw("fixed")).all()
    assert (draw("high", "--noise", "3") == quiet).all()  # 8x8 has the noise of layers 0-2


def test_latent_files_redraw_their_images_and_belong_to_one_model(
    cli, finished_run, conditional_run, tmp_path
):
    first, again = tmp_path / "first", tmp_path / "again"
    words = ("--seeds", "0-1", "--out", first, "--latents", "--psi", 0.9)
    assert cli("generate", finished_run.path, *words).status == 0
    files = ",".join(str(first / f"seed000{i}.safetensors") for i in (1, 0))
    assert cli("generate", finished_run.path, "--seeds", files, "--out", again).status == 0
    for i in (0, 1):
        name = f"seed000{i}.png"
        assert (again / name).read_bytes() == (first / name).read_bytes()
    words = ("--seeds", files, "--class", 0, "--out", tmp_path / "other.png")
    error = cli("generate", conditional_run.path, *words).error()
    assert "belongs to the model " in error and "this one is " in error


def test_a_latent_file_remembers_the_precision_it_was_drawn_in(cli, finished_run, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again.png"
    words = ("generate", finished_run.path, "--seeds")
    drawn = cli(*words, "3", "--latents", "--precision", "bf16", "--out", first)
    assert (drawn.status, drawn.err) == (0, "")
    file = first / "seed0003.safetensors"
    other = cli(*words, file, "--out", again)
    assert other.err == (
        f"note: {file}: was drawn in bfloat16; --precision bf16 redraws its image to the bit\n"
    )
    assert again.read_bytes() != (first / "seed0003.png").read_bytes()
    same = cli(*words, file, "--precision", "bf16", "--out", again, "--force")
    assert (same.status, same.err) == (0, "")
    assert again.read_bytes() == (first / "seed0003.png").read_bytes()


def test_a_file_of_the_first_version_is_told_how_it_was_drawn(cli, tmp_path):
    words = ("generate", run_path("tiny"), "--seeds", LATENT, "--out", tmp_path / "x.png")
    assert cli(*words).err == (
        f"note: {LATENT}: is drawn in float32 now; where version 0.1.0 drew it in bfloat16, "
        "--precision bf16 redraws its image to the bit\n"
    )


def test_latent_files_of_a_network_with_classes_need_no_class(cli, conditional_run, tmp_path):
    run, first = conditional_run.path, tmp_path / "first"
    words = ("--seeds", "0-1", "--class", 1, "--out", first, "--latents")
    assert cli("generate", run, *words).status == 0
    zero, one = first / "seed0000.safetensors", first / "seed0001.safetensors"
    assert cli("generate", run, "--seeds", zero, "--out", tmp_path / "again").status == 0
    again = tmp_path / "again" / "seed0000.png"
    assert again.read_bytes() == (first / "seed0000.png").read_bytes()
    for name, *options in (
        ("mix", "--rows", zero, "--columns", one),
        ("video", "--seeds", f"{zero},{one}", "--frames", 1),
        ("noise", "--seeds", zero, "--draws", 2),
    ):
        out = tmp_path / ("video.gif" if name == "video" else f"{name}.png")
        assert cli(name, run, *options, "--out", out).status == 0, name
    for name, *options in (
        ("generate", "--seeds", f"{zero},3"),
        ("mix", "--rows", 1, "--columns", one),
        ("video", "--seeds", f"{zero},3"),
        ("noise", "--seeds", 3),
    ):
        out = tmp_path / ("refused.gif" if name == "video" else "refused.png")
        assert "draws by class; name one of 0-1" in cli(name, run, *options, "--out", out).error()
        assert not out.exists()


def test_a_numpy_file_stands_wherever_a_seed_does(cli, conditional_run, tmp_path):
    config, path = load(conditional_run.path).config, tmp_path / "projected_w.npz"
    np.savez(path, w=np.ones((1, config.num_ws, config.w_dim), np.float32))
    for name, *options in (
        ("generate", "--seeds", path),
        ("mix", "--rows", path, "--columns", path),
        ("video", "--kind", "noise", "--seeds", path, "--frames", 1),
        ("noise", "--seeds", path, "--draws", 2),
        ("edit", "--seeds", path, "--channel", "1:0"),
    ):
        out = tmp_path / ("video.gif" if name == "video" else f"{name}.png")
        assert cli(name, conditional_run.path, *options, "--out", out).status == 0, name


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_files_in_a_folder_have_the_format_that_is_asked_for(
    cli, finished_run, tmp_path, name, kind
):
    words = ("--seeds", "3", "--out", tmp_path / "out", "--format", name)
    assert cli("generate", finished_run.path, *words).status == 0
    with Image.open(tmp_path / "out" / f"seed0003.{name}") as image:
        assert image.format == kind


def test_the_same_command_writes_the_same_bytes(cli, finished_run, tmp_path):
    outs = [tmp_path / f"{i}.png" for i in range(2)]
    for out in outs:
        cli("generate", finished_run.path, "--seeds", "0-15", "--out", out)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_psi_0_is_the_mean_image_and_negative_psi_another(cli, finished_run, tmp_path):
    for psi in (-2, 0, 2):
        words = ("--psi", psi, "--seeds", "0-1", "--out", tmp_path / f"{psi}")
        assert cli("generate", finished_run.path, *words).status == 0
    mean = [read_pixels(tmp_path / "0" / f"seed000{i}.png") for i in range(2)]
    assert np.abs(mean[0] - mean[1]).max() <= 1
    low, high = (read_pixels(tmp_path / name / "seed0000.png") for name in ("-2", "2"))
    assert np.abs(low - high).max() > 1


def test_a_class_is_drawn_where_there_are_classes(cli, conditional_run, tmp_path):
    for number in (0, 1):
        words = ("--class", number, "--seeds", "0-3", "--out", tmp_path / f"{number}.png")
        assert cli("generate", conditional_run.path, *words).status == 0
    assert (read_pixels(tmp_path / "0.png") != read_pixels(tmp_path / "1.png")).any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--psi", "2.1"), "--psi"),
        (("--psi", "-2.1"), "--psi"),
        (("--psi", "much"), "--psi"),
        (("--psi", "nan"), "--psi"),
        (("--psi", "inf"), "--psi"),
        (("--seeds", ""), "--seeds"),
        (("--seeds", "1,,2"), "--seeds '1,,2': wanted numbers and ranges"),
        (("--class", "0"), "was trained without labels"),
        (("--columns", "0"), "--columns"),
        (("--noise", "loud"), "'fixed', 'random', 'none'"),
        (("--noise", "4-17"), "--noise '4-17': this network has the layers 0-3: coarse 0-3"),
        (("--psi-layers", "0-4"), "--psi-layers '0-4': this network has the layers 0-3"),
        (("--psi-layers", "middle"), "no middle layers; this network has the layers 0-3"),
        (("--center", "class"), "this network was trained without labels"),
        (("--seeds", "nowhere.safetensors"), "nowhere.safetensors: no such file"),
        (("--latents",), "--latents: one file for each image; let --out be a folder"),
        (("--device", "abacus"), "--device"),
        (("--seads", "1"), "No such option: --seads (Possible options: --"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(cli, finished_run, tmp_path, words, message):
    out = tmp_path / "out.png"
    assert message in cli("generate", finished_run.path, "--out", out, *words).error()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name one of 0-1"),
        (("--class", "2"), "class 2: this network has the classes 0-1"),
        (("--class", "-1"), "class -1"),
        (("--class", "cat"), "class cat: this network has the classes 0-1 (class0, class1)"),
    ],
)
def test_classes_that_are_not_there_are_refused(cli, conditional_run, tmp_path, words, message):
    out = tmp_path / "out.png"
    assert message in cli("generate", conditional_run.path, "--out", out, *words).error()
    assert not out.exists()


def test_existing_output_is_kept_without_force(cli, finished_run, tmp_path):
    file, folder = tmp_path / "out.png", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    for out in (file, folder):
        words = ("generate", finished_run.path, "--seeds", "0", "--out", out)
        assert f"{out}: exists already" in cli(*words).error()
        assert cli(*words, "--force").status == 0
    assert read_pixels(file).shape == (8, 8, 3)
    assert (folder / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["out.gif", "out.txt", "out.safetensors"])
def test_other_suffixes_are_refused(cli, finished_run, tmp_path, name):
    out = tmp_path / name
    message = cli("generate", finished_run.path, "--out", out).error()
    assert "wanted a .png, .jpg or .webp image, or a folder" in message
    assert not out.exists()


def test_impossible_places_are_refused(cli, finished_run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("file/out.png", "file/folder"):
        out = tmp_path / name
        message = cli("generate", finished_run.path, "--seeds", "0", "--out", out).error()
        assert "file" in message and "cannot be written" in message
    assert (tmp_path / "file").read_text() == "mine"


def test_models_that_are_not_there_are_named(cli, tmp_path):
    out = tmp_path / "out.png"
    nowhere = cli("generate", tmp_path / "nowhere", "--out", out).error()
    assert "nowhere: no such run, model folder or file" in nowhere
    assert "holds no model" in cli("generate", tmp_path, "--out", out).error()
    assert "Missing argument" in cli("generate", "--out", out).error()
    assert not out.exists()


def test_a_damaged_model_is_replaced_by_the_checkpoint_and_said(cli, finished_run, tmp_path):
    run = RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))
    whole, fallen = tmp_path / "whole.png", tmp_path / "fallen.png"
    cli("generate", run.path, "--out", whole)
    support.garble(run.model / "model.safetensors")
    result = cli("generate", run.path, "--out", fallen)
    assert result.status == 0
    assert result.err.startswith("note: ") and result.err.count("\n") == 1
    assert "damaged" in result.err and "000000024" in result.err
    assert fallen.read_bytes() == whole.read_bytes()
    for path in run.checkpoints():
        support.garble(path)
    result = cli("generate", run.path, "--out", tmp_path / "none.png")
    assert "damaged" in result.error()
    assert not (tmp_path / "none.png").exists()
