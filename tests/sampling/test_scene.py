"""Scenes are the pictures of the sampling pipeline, and survive every form they are written in."""

import json
import random

import pytest
import torch

from stylesmith.errors import DataError, UsageError
from stylesmith.images import to_uint8
from stylesmith.networks.latent_codes import LatentCodes
from stylesmith.networks.sampling_pipeline import SamplingPipeline, SamplingSettings
from stylesmith.networks.synthesis import DrawingStopped
from stylesmith.sampling.directions import pca_directions, sefa_directions
from stylesmith.sampling.editing import mix_styles
from stylesmith.sampling.scene import LayerMix, Move, Scene, SceneNoise, ScenePainter
from stylesmith.sampling.scene_files import (
    check_scene,
    encode_scene_png,
    parse_scene,
    read_scene,
    scene_command,
)
from tests.support import read_pixels


def random_scene(number: int) -> Scene:
    """Any scene of a network with six layers."""
    rng = random.Random(number)
    layers = tuple(sorted(rng.sample(range(6), 3)))
    mix = [
        LayerMix(seed=rng.randrange(2**32), layers=layers, amount=rng.choice([1, rng.random()]))
        for _ in range(rng.randrange(3))
    ]
    moves = [
        Move(
            origin=rng.choice(["weights", "samples"]),
            layers=layers,
            number=rng.randint(1, 8),
            strength=rng.uniform(-4, 4),
        )
        for _ in range(rng.randrange(3))
    ]
    noise = SceneNoise(
        mode=rng.choice(["fixed", "random", "none"]),
        seed=rng.choice([None, rng.randrange(2**32)]),
        strength=rng.choice([1, rng.uniform(0, 2)]),
        layers=rng.choice([None, (1, 3), ()]),
    )
    return Scene(
        seed=rng.randrange(2**32),
        psi=rng.uniform(-1, 2),
        layer_psi=rng.choice([None, tuple(rng.uniform(-1, 2) for _ in range(6))]),
        noise=noise,
        mix=tuple(mix),
        moves=tuple(moves),
    )


@pytest.fixture
def painter(tiny_generator):
    return ScenePainter(tiny_generator())


@pytest.mark.parametrize("number", range(20))
def test_a_scene_is_the_same_after_json_and_png(number, painter, tmp_path):
    scene = random_scene(number)
    image = painter.draw(scene)
    assert parse_scene(scene.to_json()) == scene
    assert check_scene(json.loads(scene.model_dump_json())) == scene
    (tmp_path / "scene.json").write_text(scene.to_json())
    png = tmp_path / "picture.png"
    png.write_bytes(encode_scene_png(image[0], scene, model="abc"))
    assert read_scene(str(tmp_path / "scene.json")) == read_scene(str(png)) == scene
    assert (read_pixels(png) == to_uint8(image)[0].permute(1, 2, 0).numpy()).all()
    assert read_scene(scene.to_json()) == scene


def test_a_scene_is_written_without_what_is_default():
    assert Scene().to_json() == '{"version":1}'
    scene = Scene(seed=3, noise=SceneNoise(strength=0.5))
    assert json.loads(scene.to_json()) == {"version": 1, "seed": 3, "noise": {"strength": 0.5}}


@pytest.mark.parametrize("psi", [-0.5, 0.0, 0.7, 1.0])
@pytest.mark.parametrize("mode", ["fixed", "random", "none"])
def test_a_plain_scene_is_what_the_generator_samples(painter, psi, mode):
    drawn = painter.draw(Scene(seed=11, psi=psi, noise=SceneNoise(mode=mode)))
    assert torch.equal(drawn, painter.generator.sample([11], psi=psi, noise=mode))


def test_classes_and_their_mixtures_are_labels(tiny_generator):
    painter = ScenePainter(tiny_generator(label_size=3))
    sample = painter.generator.sample
    for label in (2, (0.25, 0.75, 0.0)):
        given = label if isinstance(label, int) else torch.tensor(label)
        for center in ("global", "class", "class"):  # the second time from the kept mean
            drawn = painter.draw(Scene(seed=4, psi=0.5, center=center, label=label))
            assert torch.equal(drawn, sample([4], psi=0.5, center=center, label=given))
    one_hot = painter.draw(Scene(seed=4, label=(0.0, 1.0, 0.0)))
    assert torch.equal(one_hot, painter.draw(Scene(seed=4, label=1)))


def test_truncation_may_differ_by_layer(painter):
    same = painter.draw(Scene(seed=5, psi=0.1, layer_psi=(0.6,) * 6))
    assert torch.equal(same, painter.draw(Scene(seed=5, psi=0.6)))
    psi = (0.0, 1.0, 0.5, -0.5, 2.0, 0.3)
    drawn = painter.draw(Scene(seed=5, layer_psi=psi))
    assert torch.equal(drawn, painter.generator.sample([5], psi=psi))


def codes_of(painter, scene):
    return painter.codes(scene, painter.pipeline(scene))


def test_mixing_takes_the_styles_of_layers_and_the_noise_of_the_seed(painter):
    scene = Scene(seed=1, noise=SceneNoise(mode="random"))
    part = LayerMix(seed=2, layers=(1, 4))
    mixed = codes_of(painter, scene.change(mix=(part,)))
    own, other = codes_of(painter, scene), codes_of(painter, scene.change(seed=2))
    wanted = mix_styles(own, other, (1, 4), painter.generator.config)
    assert torch.equal(mixed.ws, wanted.ws)
    for found, noise in zip(mixed.noise, own.noise, strict=True):
        assert torch.equal(found, noise)
    everything = LayerMix(seed=2, layers=tuple(range(6)))
    assert torch.equal(codes_of(painter, scene.change(mix=(everything,))).ws, other.ws)


def test_amounts_go_straight_from_one_w_to_the_other_and_the_last_mix_wins(painter):
    scene = Scene(seed=1)
    own, other = codes_of(painter, scene).ws, codes_of(painter, scene.change(seed=2)).ws

    def mixed(*parts):
        return codes_of(painter, scene.change(mix=parts)).ws

    half = mixed(LayerMix(seed=2, layers=(3,), amount=0.5))
    assert torch.allclose(half[:, 3], (own[:, 3] + other[:, 3]) / 2)
    assert torch.equal(mixed(LayerMix(seed=2, layers=(3,), amount=0)), own)
    back = mixed(LayerMix(seed=2, layers=(3,)), LayerMix(seed=1, layers=(3,)))
    assert torch.equal(back, own)


FINDERS = {"weights": sefa_directions, "samples": pca_directions}


@pytest.mark.parametrize("origin", FINDERS)
def test_moves_go_along_the_directions_that_edit_finds(painter, origin):
    scene = Scene(seed=1, mix=(LayerMix(seed=2, layers=(0, 1)),))
    move = Move(origin=origin, layers=(1, 2, 3), number=2, strength=-1.5)
    own = codes_of(painter, scene)
    with torch.no_grad():
        pipeline = SamplingPipeline(painter.generator)
        direction = FINDERS[origin](pipeline, layers=(1, 2, 3), count=2)[1]
    wanted = direction.apply(own, torch.tensor([-1.5]), painter.generator.config)
    assert torch.equal(codes_of(painter, scene.change(moves=(move,))).ws, wanted.ws)
    back = Move(origin=origin, layers=(1, 2, 3), number=2, strength=1.5)
    restored = codes_of(painter, scene.change(moves=(move, back))).ws
    assert torch.allclose(restored, own.ws, atol=1e-5)
    still = codes_of(painter, scene.change(moves=(move,), psi=0.1))  # the same direction at any psi
    moved = still.ws - codes_of(painter, scene.change(psi=0.1)).ws
    assert torch.allclose(moved, wanted.ws - own.ws, atol=1e-5)


def test_directions_are_counted_from_one_to_as_many_as_there_are(painter):
    with pytest.raises(UsageError, match="direction 9: this network has 1-8 there"):
        painter.draw(Scene(moves=(Move(layers=(0,), number=9, strength=1),)))
    with pytest.raises(UsageError, match="this network has the layers 0-5"):
        painter.draw(Scene(moves=(Move(layers=(17,), number=1, strength=1),)))


def test_noise_has_a_strength_and_a_seed_of_its_own(painter):
    def drawn(**noise):
        return painter.draw(Scene(seed=7, noise=SceneNoise(**noise)))

    assert torch.equal(drawn(strength=0), drawn(mode="none"))
    assert torch.equal(drawn(mode="random", seed=7), drawn(mode="random"))
    maps = painter.generator.noise_maps([9], "random")
    doubled = codes_of(painter, Scene(seed=7, noise=SceneNoise(mode="random", seed=9, strength=2)))
    for found, noise in zip(doubled.noise, maps, strict=True):
        assert torch.equal(found, 2 * noise)
    wanted = SamplingPipeline(painter.generator, SamplingSettings(psi=0.7)).draw(
        LatentCodes(codes_of(painter, Scene(seed=7)).ws, maps)
    )
    assert torch.equal(drawn(mode="random", seed=9), wanted)


def test_a_drawing_that_nobody_waits_for_ends_between_levels(painter):
    seen = []
    with pytest.raises(DrawingStopped):
        painter.draw(Scene(), lambda level: seen.append(level.level) or level.level < 1)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not a scene"),
        ("{", "not a scene: invalid JSON"),
        ('{"seed": -1}', "seed: input should be greater than or equal to 0"),
        ('{"seed": 4294967296}', "seed: input should be less than 4294967296"),
        ('{"seed": true}', "seed: input should be a valid integer"),
        ('{"psi": NaN}', "psi: input should be a finite number"),
        ('{"psi": 3}', "psi: input should be less than or equal to 2"),
        ('{"mix": [{"seed": 1, "layers": []}]}', "mix"),
        ('{"noise": {"mode": "loud"}}', "noise"),
        ('{"version": 2}', "version: input should be 1, got 2"),
        ('{"path": "/etc/passwd"}', "path: extra inputs are not permitted"),
        ('{"mix": ' + "[" * 5000, "not a scene"),
        ('{"seed": 1' + " " * 70000 + "}", "longer than 65536 bytes"),
    ],
)
def test_what_is_no_scene_is_refused_in_one_line(text, message):
    with pytest.raises(UsageError) as error:
        parse_scene(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_scene_that_the_network_cannot_follow_is_an_error_of_usage(painter):
    with pytest.raises(UsageError, match="this network has the layers 0-5"):
        painter.draw(Scene(mix=(LayerMix(seed=1, layers=(17,)),)))
    with pytest.raises(UsageError, match="trained without labels"):
        painter.draw(Scene(label=1))
    with pytest.raises(UsageError, match="one for each of 6 layers"):
        painter.draw(Scene(layer_psi=(1.0,)))


def test_files_without_a_scene_are_refused(tmp_path, painter):
    png = tmp_path / "plain.png"
    whole = encode_scene_png(painter.draw(Scene())[0], Scene(seed=3), model="x")
    start = whole.index(b"iTXt") - 4
    for content in (whole[: start + 30], whole[:start], whole[:20]):
        png.write_bytes(content)
        with pytest.raises((DataError, UsageError), match=r"plain\.png: (holds no|not a) scene"):
            read_scene(str(png))
    with pytest.raises(DataError, match="No such file or directory; wanted a scene"):
        read_scene(str(tmp_path / "missing.png"))
    with pytest.raises(DataError, match="Is a directory"):
        read_scene(str(tmp_path))


def test_commands_are_as_short_as_they_can_be():
    assert scene_command("a b", Scene(seed=3)) == (
        "stylesmith generate 'a b' --seeds 3 --psi 0.7 --out seed0003.png"
    )
    mixed = Scene(mix=(LayerMix(seed=7, layers=(4, 5)),))
    assert '--scene \'{"version":1,"mix":' in scene_command("avatars", mixed)
