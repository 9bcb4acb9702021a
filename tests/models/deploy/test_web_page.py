"""The page draws in a real browser what this package draws."""

import json
import os
import tarfile

import numpy as np
import pytest
import torch

from stylesmith.errors import ModelError, RunError
from stylesmith.images import to_uint8
from stylesmith.latents import latents_from_seeds
from stylesmith.models.deploy import find_runtime, web_page, write_page
from stylesmith.networks import Growth
from tests.browser import NAMES, find_browser
from tests.models.deploy import browser

SEEDS = (0, 1, 42, 999_999, 2**31, 2**32 - 1)

PREPARE = """
const frame = document.createElement("iframe");
frame.style = "width: 100%; height: 3000px";
frame.src = "index.html#HASH";
document.body.append(frame);
await new Promise((done) => (frame.onload = done));
const page = frame.contentDocument;
const byId = (id) => page.getElementById(id);
const drawn = async () => {
  while (!/drawn in|could not/.test(byId("status").textContent)) {
    await new Promise((later) => setTimeout(later, 10));
  }
  const { width, height } = byId("image");
  const { data } = byId("image").getContext("2d").getImageData(0, 0, width, height);
  return { status: byId("status").textContent, width, height, data: [...data] };
};
const set = (id, value) => {
  byId(id).value = value;
  byId(id).dispatchEvent(new Event("input", { bubbles: true }));
};
"""


def missing(what):
    """Skip, but not where the machine was set up for these tests."""
    if os.environ.get("STYLESMITH_TEST_BROWSER") == "required":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium():
    found = find_browser()
    return found or missing(f"no browser: none of {', '.join(NAMES)} is installed")


@pytest.fixture(scope="session")
def real_runtime():
    try:
        return find_runtime()
    except ModelError as error:
        missing(f"no onnxruntime-web: {error}")


def script(body, state=""):
    return PREPARE.replace("HASH", state) + body


def pixels(answer, channels):
    data = np.array(answer["data"], dtype=np.uint8)
    image = data.reshape(answer["height"], answer["width"], 4)
    return torch.from_numpy(image[..., :channels]).permute(2, 0, 1)


def assert_same_image(answer, images):
    wanted = to_uint8(images)[0]
    found = pixels(answer, len(wanted))
    assert found.shape == wanted.shape, answer["status"]
    assert wanted.float().std() > 5
    assert (found.int() - wanted.int()).abs().max() <= 1


def test_seeds_give_the_z_of_numpy(chromium, tmp_path):
    (tmp_path / "latents.js").write_bytes((web_page.WEB_FOLDER / "latents.js").read_bytes())
    sizes = (1, 8, 511, 512)
    wanted = [latents_from_seeds([s], size)[0].numpy() for s in SEEDS for size in sizes]
    body = f"""
      const {{ latent }} = await import("./latents.js");
      const pairs = {list(SEEDS)}.flatMap((seed) => {list(sizes)}.map((size) => [seed, size]));
      return pairs.map(([seed, size]) => [...latent(seed, size)]);
    """
    answer, _ = browser.run(chromium, tmp_path, body)
    assert len(answer) == len(wanted)
    for found, values in zip(answer, wanted, strict=True):
        assert np.array_equal(np.array(found, dtype=np.float32), values)


def test_the_page_draws_seeds_truncation_and_mixtures(chromium, real_runtime, make, tmp_path):
    generator = make("skip", base=(4, 4), levels=3)
    write_page(tmp_path, generator, real_runtime, title="Faces of x")
    body = """
      const first = await drawn();
      set("psi", 1); set("seed", 42);
      const second = await drawn();
      set("other", 7); set("coarse", 100);
      const third = await drawn();
      set("middle", 25);
      const hash = frame.contentWindow.location.hash;
      return { first, second, third, fourth: await drawn(), hash, title: page.title };
    """
    answer, asked = browser.run(chromium, tmp_path, script(body))
    assert_same_image(answer["first"], generator.sample([0], psi=0.7, precision="fp32"))
    assert_same_image(answer["second"], generator.sample([42], precision="fp32"))
    z = latents_from_seeds([42, 7], 8)
    ws, others = generator.broadcast(generator.mapping(z)).chunk(2)
    amount = torch.tensor([1.0, 1, 1, 1, 0, 0])[:, None]
    assert_same_image(answer["third"], generator.draw(torch.lerp(ws, others, amount)))
    amount[4:] = 0.25
    assert_same_image(answer["fourth"], generator.draw(torch.lerp(ws, others, amount)))
    assert answer["third"]["status"].startswith("Seed 42 mixed with 7, drawn in ")
    assert answer["hash"] == "#seed=42&psi=1&mix=7&coarse=100&middle=25"
    assert answer["title"] == "Faces of x"
    assert set(asked) == {"/driver.html", *(f"/{path.name}" for path in tmp_path.iterdir())} - {
        "/NOTICE.txt"
    }


@pytest.mark.slow
def test_an_address_is_an_image_of_a_class_at_the_level_reached(
    chromium, real_runtime, make, tmp_path
):
    generator = make("grow", levels=3, growth=Growth(1), label_size=3, image_channels=4)
    write_page(tmp_path, generator, real_runtime, title="x")
    state = "seed=3&psi=0.5&class=2"
    answer, _ = browser.run(chromium, tmp_path, script("return await drawn();", state))
    wanted = generator.sample([3], psi=0.5, label=2, precision="fp32")
    found, wanted = pixels(answer, 4), to_uint8(wanted)[0]
    assert found.shape == wanted.shape == (4, 8, 8)
    opaque = (wanted[3] > 128).expand_as(wanted)  # a canvas keeps few bits of what is transparent
    assert opaque.sum() > 30
    assert (found.int() - wanted.int()).abs()[opaque].max() <= 2


def test_a_problem_in_the_browser_is_said(chromium, real_runtime, make, tmp_path, monkeypatch):
    def damaged(folder, *_, **__):
        for name in ("mapping.onnx", "synthesis.onnx"):
            (folder / name).write_bytes(b"damaged")

    monkeypatch.setattr(web_page, "write_programs", damaged)
    write_page(tmp_path, make("skip"), real_runtime, title="x")
    answer, _ = browser.run(chromium, tmp_path, script("return await drawn();"))
    assert answer["status"].startswith("This browser could not draw: ")


@pytest.fixture
def fake(monkeypatch):
    """Parts of a package, whose checksums are taken for the right ones."""
    contents = {"ort.js": b"javascript", "ort.wasm": b"assembly"}
    parts = {
        name: (path, web_page.hashlib.sha256(contents[name]).hexdigest())
        for name, (path, _) in web_page.RUNTIME_FILES.items()
    }
    monkeypatch.setattr(web_page, "RUNTIME_FILES", parts)
    return contents


@pytest.fixture
def package(fake, tmp_path):
    """A folder as npm installs it."""
    for name, (path, _) in web_page.RUNTIME_FILES.items():
        (tmp_path / "package" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / path).write_bytes(fake[name])
    return tmp_path / "package"


@pytest.fixture
def packed(package):
    """A file as `npm pack` makes it."""
    with tarfile.open(package.with_suffix(".tgz"), "w:gz") as archive:
        archive.add(package, "package")
    return package.with_suffix(".tgz")


@pytest.fixture(autouse=True)
def no_cache(request, monkeypatch, tmp_path):
    """Tests of the search see nothing of this machine."""
    if "real_runtime" not in request.fixturenames:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)


def test_a_truncated_package_is_refused(packed):
    content = packed.read_bytes()
    for cut in (content[: len(content) // 2], content[:20] + b"x" * 30 + content[50:]):
        packed.write_bytes(cut)
        with pytest.raises(ModelError, match="cannot be read as onnxruntime-web"):
            find_runtime(packed)


def test_the_runtime_is_found_where_it_may_lie(package, packed, fake, tmp_path):
    assert find_runtime(package) == find_runtime(packed) == fake
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "onnxruntime-web").symlink_to(package)
    assert find_runtime() == fake


def test_a_missing_runtime_says_what_to_do(tmp_path):
    with pytest.raises(ModelError) as raised:
        find_runtime()
    text = str(raised.value)
    assert text.startswith(str(tmp_path / "cache")) and "\n" not in text
    assert "--fetch-runtime" in text and "--runtime" in text and web_page.RUNTIME_VERSION in text


def test_another_version_is_refused(package):
    (package / "dist/ort-wasm-simd-threaded.wasm").write_bytes(b"older")
    with pytest.raises(ModelError, match=r"is not that of onnxruntime-web 1\.30\.0"):
        find_runtime(package)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_what_is_no_package_is_refused(tmp_path, content):
    (tmp_path / "x.tgz").write_bytes(content)
    for path in (tmp_path / "x.tgz", tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match="cannot be read as onnxruntime-web"):
            find_runtime(path)


def test_the_notice_names_the_version_of_the_runtime():
    first_line = (web_page.WEB_FOLDER / "NOTICE.txt").read_text().partition("\n")[0]
    assert first_line == f"ort.js and ort.wasm are ONNX Runtime Web {web_page.RUNTIME_VERSION}."


def test_the_runtime_is_downloaded_once_and_checked(packed, fake, monkeypatch, tmp_path):
    monkeypatch.setattr(web_page, "RUNTIME_URL", packed.as_uri())
    assert find_runtime(fetch=True) == fake
    packed.unlink()
    assert find_runtime() == find_runtime(fetch=True) == fake


def test_a_wrong_download_is_not_kept(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"<html>sign in</html>")
    monkeypatch.setattr(web_page, "RUNTIME_URL", (tmp_path / "x").as_uri())
    with pytest.raises(ModelError, match="cannot be read as onnxruntime-web"):
        find_runtime(fetch=True)
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
    monkeypatch.setattr(web_page, "RUNTIME_URL", (tmp_path / "nowhere").as_uri())
    with pytest.raises(RunError, match="cannot be downloaded"):
        find_runtime(fetch=True)


@pytest.mark.parametrize(
    ("kind", "fields", "wanted"),
    [
        ("skip", {"levels": 9, "base": (4, 4), "max_channels": 1}, [(0, 3), (4, 7), (8, 17)]),
        ("grow", {"levels": 5, "growth": Growth(2)}, [(0, 3), (4, 5)]),
        ("skip", {}, [(0, 3)]),
        ("traditional", {}, [(0, 0)]),
    ],
)
def test_groups_cover_the_layers_in_use(make, kind, fields, wanted):
    if kind == "skip" and fields:
        fields = fields | {"noise": False}
    groups = web_page.layer_groups(make(kind, **fields))
    assert [(group["first"], group["last"]) for group in groups] == wanted


def test_what_the_page_says_of_a_model(make):
    found = web_page.describe_model(make("concat"), "x", {"preset": "tiny", "licence": "CC0"})
    assert found["about"].startswith("8x8 · preset tiny · CC0 · made with stylesmith ")
    assert (found["classes"], found["size"], found["num_ws"]) == (3, [8, 8], 4)
    json.dumps(found, allow_nan=False)
