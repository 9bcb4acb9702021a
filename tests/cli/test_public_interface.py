"""The public names of the package: what is in `dir`, latent files, discriminators, class names."""

import pytest
import torch

import stylesmith
from stylesmith.errors import DataError, ModelError, UsageError
from stylesmith.models import RunFolder, save_model

NAMES = {"Generator", "StylesmithError", "load", "load_discriminator", "load_latents"}


@pytest.fixture
def generator(tiny_generator):
    return tiny_generator().eval().requires_grad_(False)


def test_public_names_are_in_dir_and_load_lazily():
    assert {*NAMES, "save_latents", "__version__"} == set(stylesmith.__all__) <= {*dir(stylesmith)}
    assert all(hasattr(stylesmith, name) for name in stylesmith.__all__)
    assert issubclass(UsageError, stylesmith.StylesmithError)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = stylesmith.lod


@pytest.mark.parametrize("layers", [False, True])
def test_a_latent_file_redraws_its_image_to_the_bit(generator, tmp_path, layers):
    path, w = tmp_path / "face.safetensors", torch.randn(6, 8)
    w = w if layers else w[0]
    stylesmith.save_latents(path, generator, w.numpy() if layers else w)
    codes = stylesmith.load_latents(str(path), generator)
    wanted = generator.sample(w=w[None], precision="fp32")
    found = generator.sample(w=codes.ws, noise=codes.noise, precision="fp32")
    assert torch.equal(found, wanted)


def test_a_latent_file_keeps_noise_maps(generator, tmp_path):
    path = tmp_path / "face.safetensors"
    maps = [torch.randn(1, 1, *shape) for shape in generator.config.noise_shapes]
    stylesmith.save_latents(path, generator, torch.zeros(8), [None, *maps[1:]])
    noise = stylesmith.load_latents(path, generator).noise
    assert noise[0] is None
    assert all(torch.equal(a, b) for a, b in zip(noise[1:], maps[1:], strict=True))


@pytest.mark.parametrize(
    ("name", "w", "noise", "message"),
    [
        ("x.pt", torch.zeros(8), None, "latent files end in .safetensors"),
        ("x.safetensors", torch.zeros(9), None, r"w: has the shape \(1, 9\), wanted \(N, 8\)"),
        ("x.safetensors", torch.zeros(3, 8), None, r"w: has the shape \(3, 8\), wanted \(8,\) or"),
        ("x.safetensors", torch.zeros(8), [None], "noise: 1 maps, wanted 5"),
    ],
)
def test_latents_that_do_not_fit_are_refused(generator, tmp_path, name, w, noise, message):
    with pytest.raises(UsageError, match=message):
        stylesmith.save_latents(tmp_path / name, generator, w, noise)
    assert not list(tmp_path.iterdir())


def test_latents_of_another_network_are_refused(generator, tiny_generator, tmp_path):
    stylesmith.save_latents(tmp_path / "x.safetensors", generator, torch.zeros(8))
    with pytest.raises(DataError, match="belongs to the model"):
        stylesmith.load_latents(tmp_path / "x.safetensors", tiny_generator(seed=1))


def test_a_run_has_a_discriminator_and_a_model_folder_has_none(finished_run, generator, tmp_path):
    critic = stylesmith.load_discriminator(finished_run.path, device="cpu")
    generator_of_run = stylesmith.load(finished_run.path, device="cpu")
    scores = critic(generator_of_run.sample([1, 2]))
    assert scores.shape == (2,) and scores.isfinite().all() and not critic.training
    save_model(tmp_path / "m", generator, card="", about={})
    with pytest.raises(ModelError, match=r"m: holds no discriminator\. Wanted a run"):
        stylesmith.load_discriminator(tmp_path / "m")


def test_class_names_are_saved_and_loaded(tiny_generator, tmp_path):
    generator = tiny_generator(label_size=2)
    generator.class_names = ("cat", "dog")
    save_model(tmp_path, generator, card="", about={})
    loaded = stylesmith.load(tmp_path, device="cpu")
    assert loaded.class_names == ("cat", "dog")
    assert torch.equal(loaded.sample([1], label="dog"), loaded.sample([1], label=1))


def test_a_run_on_named_folders_draws_by_name(cli, conditional_run: RunFolder, tmp_path):
    run = conditional_run
    for source in (run.path, run.checkpoints()[0], run.model):
        assert stylesmith.load(source, device="cpu").class_names == ("class0", "class1")
    for name in ("class1", "1"):
        out = tmp_path / f"{name}.png"
        result = cli("generate", run.path, "--seeds", "0", "--class", name, "--out", out)
        assert result.status == 0, result.err
    assert (tmp_path / "class1.png").read_bytes() == (tmp_path / "1.png").read_bytes()
    wrong = cli("generate", run.path, "--seeds", "0", "--class", "rde", "--out", tmp_path / "x.png")
    assert "class rde: this network has the classes 0-1 (class0, class1)" in wrong.error()
