"""The line that the explorer copies draws the picture that it shows, to the bit."""

import shlex

import pytest
import torch

from stylesmith.images import to_uint8
from stylesmith.sampling.scene import LayerMix, Move, Scene, SceneNoise, ScenePainter
from stylesmith.sampling.scene_files import encode_scene_png, read_scene, scene_command
from tests.support import read_pixels

SCENES = {
    "seed": Scene(seed=42),
    "truncation": Scene(seed=3, psi=-0.45),
    "noise of the seed": Scene(seed=5, noise=SceneNoise(mode="random")),
    "noise of another seed": Scene(seed=5, noise=SceneNoise(mode="random", seed=6)),
    "noise on layers": Scene(seed=5, noise=SceneNoise(layers=(2, 3))),
    "random noise on layers": Scene(seed=5, noise=SceneNoise(mode="random", layers=(0, 5))),
    "noise on no layer": Scene(seed=5, noise=SceneNoise(layers=())),
    "no noise": Scene(seed=5, noise=SceneNoise(mode="none", layers=(1,))),
    "strength": Scene(seed=5, noise=SceneNoise(strength=1.7)),
    "layers": Scene(seed=9, layer_psi=(0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 1.5)),
    "moves": Scene(seed=1, moves=(Move(layers=(0, 1, 2), number=3, strength=2.5),)),
    "mix": Scene(seed=1, mix=(LayerMix(seed=2, layers=(4, 5), amount=0.3),)),
}


def run(cli, command, folder, monkeypatch):
    """The pixels that a copied line writes."""
    monkeypatch.chdir(folder)
    words = shlex.split(command)
    assert words[0] == "stylesmith"
    result = cli(*words[1:])
    assert result.status == 0, result.err
    return read_pixels(folder / words[-1])


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_copied_command_draws_the_picture(scene, cli, tmp_path, monkeypatch, avatars):
    drawn = to_uint8(ScenePainter(avatars).draw(scene))[0].permute(1, 2, 0).numpy()
    found = run(cli, scene_command("avatars", scene), tmp_path, monkeypatch)
    assert (found == drawn).all()
    assert drawn.std() > 5


@pytest.mark.parametrize("label", [0, 1, 2, (0.25, 0.75, 0.0), (-0.5, 0.0, 1.5)])
@pytest.mark.parametrize("center", ["global", "class"])
def test_so_does_one_of_a_class(label, center, cli, tmp_path, monkeypatch, labelled):
    """Also where the name of a class is the number of another one."""
    generator, folder = labelled
    scene = Scene(seed=3, psi=0.5, center=center, label=label)
    drawn = to_uint8(ScenePainter(generator).draw(scene))[0].permute(1, 2, 0).numpy()
    command = scene_command(str(folder), scene, class_names=generator.class_names)
    assert (run(cli, command, tmp_path, monkeypatch) == drawn).all()


def test_a_saved_picture_and_a_file_of_json_draw_it_again(cli, tmp_path, avatars):
    scene = SCENES["mix"]
    image = ScenePainter(avatars).draw(scene)[0]
    saved = tmp_path / "saved.png"
    saved.write_bytes(encode_scene_png(image, scene, model="x"))
    again = tmp_path / "again.png"
    assert cli("generate", "avatars", "--scene", saved, "--out", again).status == 0
    assert read_scene(str(again)) == scene
    assert torch.equal(torch.tensor(read_pixels(again)), torch.tensor(read_pixels(saved)))
    assert cli("generate", "avatars", "--scene", again, "--out", tmp_path / "a.jpg").status == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--psi", "1"], "--scene with --psi: a scene says all of a picture"),
        (["--seeds", "3", "--latents"], "--scene with --seeds, --latents"),
        (["--out", "folder"], "--out folder: wanted a .png, .jpg or .webp image"),
    ],
)
def test_a_scene_stands_alone(words, message, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("generate", "avatars", "--scene", "{}", *words)
    assert (result.status, list(tmp_path.iterdir())) == (2, [])
    assert message in result.err
