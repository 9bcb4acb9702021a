"""The kinds of input that are changed: sound files, how each changes, and who reads them.

A reader uses a public function or a command as a user does. It raises a StylesmithError where it
refuses, and asserts that what it accepts is sound.
"""

import contextlib
import io
import json
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, PngImagePlugin

import stylesmith
from stylesmith.cli import main
from stylesmith.config import RunConfig
from stylesmith.data.check import check_data
from stylesmith.data.dataset import open_dataset
from stylesmith.data.prepare import prepare_dataset
from stylesmith.errors import StylesmithError, UsageError
from stylesmith.models import RunFolder, load_bundle
from stylesmith.training.run_report import write_report
from tests import support
from tests.mutations import formats
from tests.mutations.changes import Change, change_json_file, change_log

Reader = Callable[[Path, Path], None]
"""Reads the changed input; a second path is a folder for what a command writes."""


@dataclass(frozen=True)
class Subject:
    """A kind of input."""

    files: Mapping[str, bytes]
    """A sound input: content of each file by its path."""
    changes: Mapping[str, Change]
    """The files that are changed, each by what knows its structure."""
    readers: tuple[Reader, ...]
    unpacked: bool = True
    """Whether readers get the folder of the files; else the one file that is changed."""
    input_grows: bool = field(default=False, kw_only=True)
    """Whether a reader that accepts the input may go on with it, as resuming does."""


def run_command(*arguments: object, findings: bool = False) -> str:
    """Run a command in this process; returns what it printed.

    `findings` allows for a command that prints what is wrong and ends with status 1.

    Raises:
        UsageError: If it ended with its one line of error.
    """
    words, out, err = sys.argv, io.StringIO(), io.StringIO()
    sys.argv = ["stylesmith", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.argv = words
    lines = err.getvalue().splitlines()
    errors = [line for line in lines if not line.startswith("note: ")]
    if status == 0 or (findings and status == 1 and not errors):
        assert not errors, err.getvalue()
        return out.getvalue()
    assert status in (1, 2) and len(errors) == 1, (status, err.getvalue())
    assert errors[0].startswith("error: "), errors[0]
    raise UsageError(errors[0])


def read_dataset(path: Path, out: Path) -> None:
    _check_dataset(path, skip_bad=False)


def read_dataset_without_bad(path: Path, out: Path) -> None:
    _check_dataset(path, skip_bad=True, size=(8, 8))


def _check_dataset(path: Path, **options: object) -> None:
    with contextlib.closing(open_dataset(path, **options)) as dataset:  # type: ignore[arg-type]
        for index in range(len(dataset)):
            pixels, label = dataset.image_and_label(index)
            assert pixels.shape == (dataset.channels, *dataset.size)
            assert pixels.dtype == np.uint8
            assert label.shape == (dataset.label_size,) and np.isfinite(label).all()
        assert dataset.class_names is None or len(dataset.class_names) == dataset.label_size


def check(path: Path, out: Path) -> None:
    report = check_data(path)
    for finding in report.findings:
        assert "\n" not in finding.text, finding


def check_by_command(path: Path, out: Path) -> None:
    assert "Traceback" not in run_command("data", "check", path, findings=True)


def prepare(path: Path, out: Path) -> None:
    prepare_dataset(path, out / "out.zip", size=(8, 8), skip_bad=True)
    _check_dataset(out / "out.zip")


def plan_training(path: Path, out: Path) -> None:
    run_command("train", path, "--preset", "tiny", "--dry-run")


IMAGE_READERS = (read_dataset, read_dataset_without_bad, check, check_by_command, prepare)
DATA_READERS = (*IMAGE_READERS, plan_training)


def check_images(generator: stylesmith.Generator, **arguments: object) -> None:
    arguments = arguments or {"seeds": [0, 5], "psi": 0.7}
    if generator.config.label_size:
        arguments["label"] = 0
    images = generator.sample(**arguments)  # type: ignore[arg-type]
    assert images.shape[1:] == (generator.config.image_channels, *generator.config.size())
    assert bool(torch.isfinite(images).all()), "images that are not finite"


def load_model(path: Path, out: Path) -> None:
    check_images(stylesmith.load(path, device="cpu"))


def load_all_networks(path: Path, out: Path) -> None:
    check_images(load_bundle(path).ema)


def load_critic(path: Path, out: Path) -> None:
    critic = stylesmith.load_discriminator(path, device="cpu")
    assert next(critic.parameters()) is not None


def draw(path: Path, out: Path) -> None:
    run_command("generate", path, "--seeds", "0-1", "--class", "0", "--out", out / "grid.png")
    with Image.open(out / "grid.png") as image:
        image.load()


def inspect(path: Path, out: Path) -> None:
    run_command("inspect", path)


def read_config(path: Path, out: Path) -> None:
    config = RunFolder(path).read_config()
    assert RunConfig.from_json(config.model_dump_json(), source="again") == config


def plan_resuming(path: Path, out: Path) -> None:
    run_command("train", "--resume", path, "--dry-run")


def resume(path: Path, out: Path) -> None:
    """Two steps more, unless the settings, which are free, ask for much longer ones."""
    config = RunFolder(path).read_config()
    training, output = config.training, config.output
    if training != training.change(kimg=training.kimg, batch_size=support.BATCH):
        return plan_resuming(path, out)
    if output.metrics or config.training.kimg > 1:
        return plan_resuming(path, out)
    run_command("train", "--resume", path, "--kimg", support.kimg(6), "--device", "cpu")
    check_images(stylesmith.load(path, device="cpu"))


def report(path: Path, out: Path) -> None:
    write_report(RunFolder(path))
    text = (path / "report.html").read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>") and "Traceback" not in text


def tabulate(path: Path, out: Path) -> None:
    run_command("table", "stylegan2-1", f"f={path}", "--out", out / "table.html")


def photos() -> dict[str, bytes]:
    """Two classes of small images, as files of a folder."""
    numbers = np.random.default_rng(0)
    names = [f"class{i % 2}/{i:03d}.png" for i in range(4)]
    pixels = [numbers.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in names]
    return {name: encode(Image.fromarray(p)) for name, p in zip(names, pixels, strict=True)}


def encode(image: Image.Image, suffix: str = ".png", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, Image.registered_extensions()[suffix], **options)
    return buffer.getvalue()


def pack(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def images() -> list[Subject]:
    numbers = np.random.default_rng(1)
    color = Image.fromarray(numbers.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Description", "words " * 40, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = numbers.integers(0, 65_536, (16, 16), dtype=np.uint16)
    clear = color.convert("RGBA")
    clear.putalpha(80)
    variants = [
        ("color.png", encode(color, pnginfo=text, icc_profile=profile), formats.change_png),
        ("gray.png", encode(color.convert("L")), formats.change_png),
        ("palette.png", encode(color.convert("P"), transparency=3), formats.change_png),
        ("wide.png", encode(Image.fromarray(wide)), formats.change_png),
        ("clear.png", encode(clear, exif=exif), formats.change_png),
        ("photo.jpg", encode(color, ".jpg", exif=exif), formats.change_jpeg),
        ("steps.jpg", encode(color, ".jpg", progressive=True), formats.change_jpeg),
        ("cmyk.jpg", encode(color.convert("CMYK"), ".jpg"), formats.change_jpeg),
        ("photo.webp", encode(color, ".webp", exif=exif), formats.change_webp),
        ("exact.webp", encode(clear, ".webp", lossless=True), formats.change_webp),
    ]
    return [
        Subject({"other.png": encode(color), name: content}, {name: change}, IMAGE_READERS)
        for name, content, change in variants
    ]


def zips() -> list[Subject]:
    labels = json.dumps({"labels": [[name, i % 2] for i, name in enumerate(photos())]}).encode()
    plain = pack(photos() | {"dataset.json": labels})
    deflated = pack(photos(), zipfile.ZIP_DEFLATED)
    return [
        Subject({"data.zip": content}, {"data.zip": formats.change_zip}, DATA_READERS, False)
        for content in (plain, deflated)
    ]


def labels() -> list[Subject]:
    names = list(photos())
    tables = (
        {"labels": [[name, i % 3] for i, name in enumerate(names)]},
        {"labels": [[name, [i / 2, 1]] for i, name in enumerate(names)]},
    )
    return [
        Subject(
            photos() | {"dataset.json": json.dumps(table).encode()},
            {"dataset.json": change_json_file},
            DATA_READERS,
        )
        for table in tables
    ]


def folder_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def latents(model: Path, work: Path) -> list[Subject]:
    generator = stylesmith.load(model, device="cpu")
    for name, noise in (("own", None), ("none", [None] * len(generator.config.noise_shapes))):
        w = generator.mapping.w_avg.cpu() + 0.1
        stylesmith.save_latents(work / f"{name}.safetensors", generator, w, noise)

    def load_codes(path: Path, out: Path) -> None:
        codes = stylesmith.load_latents(path, generator)
        check_images(generator, w=codes.ws, noise=codes.noise)

    def draw_codes(path: Path, out: Path) -> None:
        run_command("generate", model, "--seeds", path, "--class", "0", "--out", out / "a.png")

    return [
        Subject(
            {path.name: path.read_bytes()},
            {path.name: formats.change_tensor_file},
            (load_codes, load_codes, draw_codes),
            False,
        )
        for path in sorted(work.glob("*.safetensors"))
    ]


def model_folders(model: Path) -> list[Subject]:
    changes = {"model.safetensors": formats.change_tensor_file, "config.json": change_json_file}
    readers = (load_model, load_all_networks, draw, inspect)
    return [Subject(folder_files(model), changes, readers)]


def runs(run: Path, kind: str) -> list[Subject]:
    """A run, of which the configuration, the checkpoints or the log are changed."""
    files = folder_files(run)
    kept = [name for name in files if not name.startswith(("samples/", "report"))]
    checkpoints = [name for name in kept if name.startswith("checkpoints/")]
    table: dict[str, tuple[dict[str, Change], tuple[Reader, ...]]] = {
        "config": (
            {"config.json": change_json_file},
            (read_config, plan_resuming, resume, report, tabulate),
        ),
        "checkpoints": (
            {checkpoints[-1]: formats.change_tensor_file},
            (resume, load_model, load_all_networks, load_critic, inspect),
        ),
        "logs": ({"log.jsonl": change_log}, (report, resume, tabulate)),
    }
    changes, readers = table[kind]
    if kind == "checkpoints":  # all others would stand in for the one that is changed
        kept = [n for n in kept if n in (checkpoints[-1], "config.json", "log.jsonl")]
    sound = {name: files[name] for name in kept}
    return [Subject(sound, changes, readers, input_grows=True)]


def silently(reader: Reader, path: Path, out: Path) -> str | None:
    """Read an input; returns the error if it is refused, None if it is accepted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader(path, out)
        except StylesmithError as error:
            text = str(error)
            assert text.splitlines() == [text], f"no single line: {text!r}"
            return text
    return None
