"""Files that are plainly something else are named as such, by whatever opens models."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

import stylesmith
from stylesmith.errors import DataError, ModelError
from stylesmith.file_kinds import identify_file, identify_folder, web_address_problem
from stylesmith.models import load_bundle
from stylesmith.models.interop import describe_file, write_external
from tests.models.interop.makers import generator


def image(form: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, form)
    return content.getvalue()


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def numpy_file(write) -> bytes:
    content = io.BytesIO()
    write(content, np.zeros(3))
    return content.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
OTHERS = {
    **{f"{form} image": (image(form), "image") for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF")},
    "WebP": (image("WEBP"), "a WebP image"),
    "LFS pointer": (LFS, "a Git LFS pointer, .*`git lfs pull`"),
    "web page": (b"<!DOCTYPE html><html>Quota exceeded</html>", "a web page"),
    "zip of images": (zipped("dataset.json", "0/a.png", "0/b.png"), "a zip of images"),
    "npz": (numpy_file(np.savez), r"a file of numpy arrays \(.npz\)"),
    "npy": (numpy_file(np.save), "a numpy array"),
    "gz": (gzip.compress(b"x"), "compressed with gzip, .*Unpack it first"),
    "video": (b"\0\0\0\x20ftypisom" + bytes(30), "a video"),
    "AVIF": (b"\0\0\0\x20ftypavif" + bytes(30), "an AVIF image"),
    "text": (b"seed 1\nseed 2\n", "a text file"),
    "JSON": (b'{"levels": 3}\n', "a JSON file"),
    "PDF": (b"%PDF-1.7\n\xff\xfe", "a PDF"),
    "HDF5": (b"\x89HDF\r\n" + bytes(20), "an HDF5 file"),
    "torch.export": (
        zipped("x/archive_format", "x/models/model.json"),
        "a program of torch.export",
    ),
}


@pytest.mark.parametrize("suffix", ["", ".pkl", ".pt", ".safetensors"])
@pytest.mark.parametrize("name", OTHERS)
def test_what_opens_models_says_what_a_file_is(tmp_path, name, suffix):
    content, wanted = OTHERS[name]
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    for opened in (stylesmith.load, load_bundle, stylesmith.load_discriminator):
        with pytest.raises(ModelError, match=wanted) as caught:
            opened(path)
        text = str(caught.value)
        assert text.startswith(f"{path}: ") and "\n" not in text


@pytest.mark.parametrize("suffix", ["", ".pkl", ".safetensors"])
def test_an_empty_file(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.touch()
    with pytest.raises(ModelError, match="empty"):
        stylesmith.load(path)


def test_an_onnx_file_is_no_model_to_load(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"\x08\x0a\x12\x07pytorch")
    with pytest.raises(ModelError, match="an ONNX file, not a model"):
        stylesmith.load(path)


def test_weights_have_no_other_kind(tmp_path):
    for name in ("x.pt", "x.pkl"):
        write_external(tmp_path / name, "ada", {"G_ema": generator()})
        assert identify_file(tmp_path / name) is None
    (tmp_path / "protocol0").write_bytes(b"(lp0\nI1\na.")
    assert identify_file(tmp_path / "protocol0") is None
    assert identify_file(tmp_path / "nowhere") is None
    assert describe_file(tmp_path / "x.pt")


def test_a_folder_of_images(tmp_path):
    (tmp_path / "cats").mkdir()
    for name in ("a.png", "cats/b.JPG"):
        (tmp_path / name).write_bytes(b"x")
    kind = identify_folder(tmp_path)
    assert kind is not None and kind.name == "a folder of images"
    with pytest.raises(ModelError, match="a folder of images, not a model"):
        stylesmith.load(tmp_path)
    assert identify_folder(tmp_path / "nowhere") is None


@pytest.mark.parametrize("address", ["https://example.org/ffhq.pkl", "http://example.org/a?b=1"])
def test_a_web_address(address):
    for opened in (stylesmith.load, load_bundle):
        with pytest.raises(ModelError, match="a web address; download the file first") as caught:
            opened(address)
        assert str(caught.value).startswith(address)
    assert web_address_problem("https/x") is None and web_address_problem("runs/http:x") is None


def test_latent_files_are_told_from_other_files(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(image("PNG"))
    with pytest.raises(DataError, match="a PNG image, not a latent"):
        stylesmith.load_latents(path, generator())
