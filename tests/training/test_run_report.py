import base64
import io
import json
import math
import random
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from stylesmith.config import RunConfig
from stylesmith.errors import ConfigError, ModelError
from stylesmith.models import RunFolder
from stylesmith.training.log import RunLog
from stylesmith.training.report_figures import MAX_HISTORY_GRIDS, embed_image
from stylesmith.training.run_report import write_report

SIZE = 32
VOID = {"meta", "img"}
LOGS = []


@pytest.fixture(autouse=True)
def close_logs():
    yield
    while LOGS:
        LOGS.pop().close()


class Page(HTMLParser):
    """Checks that tags nest, and gathers text, tags and images."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.images, self.text = [], [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "pre":
            self.text += "\0"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def commands(self):
        return re.findall(r"stylesmith (?:train|generate|data) .*?(?=\x00)", self.text)


def config(**values):
    size = {"levels": 4, "channel_base": 512}
    plain = RunConfig(
        preset="small-avatars",
        generator=size,
        discriminator=size,
        data={"path": "/data/faces.zip", "size": (SIZE, SIZE)},
        training={"kimg": 400, "r1_gamma": 0.5},
    )
    return plain.change(**values)


def pixels(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def start_run(folder, settings=None):
    folder.mkdir()
    (folder / "samples").mkdir()
    (folder / "config.json").write_text((settings or config()).model_dump_json(indent=2))
    log = RunLog.open(folder / "log.jsonl")
    LOGS.append(log)
    log.write(
        "start",
        images_seen=0,
        steps=0,
        resumed=False,
        device="x86_64 CPU, 2 threads",
        precision="bf16",
        processes=1,
        micro_batch=16,
        accumulation=1,
        generator_parameters=1_234_567,
        discriminator_parameters=2_345_678,
        dataset_images=10000,
        stylesmith="0.1.0",
        torch="2.13.0",
    )
    return log


def progress(log, images, **values):
    fields = {
        "seconds": images / 125,
        "img_per_sec": 125.0,
        "loss_g": 0.9,
        "loss_d": 1.1,
        "score_real": 0.4,
        "score_fake": -0.4,
        "sign_real": 0.7,
        "sign_fake": 0.75,
        "r1": 0.02,
        "path_penalty": 0.5,
        "path_mean": 1.5,
        "memory_gb": 1.5,
        "dropped": 0,
    }
    log.write("progress", images_seen=images, steps=images // 16, **fields | values)


def samples(log, folder, images, *, color_distance=0.1, diversity=0.9, grid=None):
    name = f"samples/{images:09d}.png"
    image = Image.fromarray(pixels(8 * SIZE, seed=images) if grid is None else grid)
    image.save(folder / name)
    log.write(
        "samples",
        images_seen=images,
        steps=images // 16,
        file=name,
        color_distance=color_distance,
        diversity=diversity,
    )


def full_run(folder, settings=None, **values):
    rng = random.Random(0)
    log = start_run(folder, settings)
    Image.fromarray(pixels(8 * SIZE, seed=99)).save(folder / "samples" / "reals.png")
    for images in range(4000, 320001, 4000):
        wobble = rng.gauss(0, 0.05)
        curves = {
            "img_per_sec": 125 + 60 * wobble,
            "loss_g": 0.8 + math.log10(images) / 6 + wobble,
            "loss_d": 1.3 - images / 1e6 - wobble,
            "score_real": images / 3e5 + wobble,
            "score_fake": -images / 3e5 + wobble,
            "sign_real": 0.8 + wobble,
            "sign_fake": 0.85 - wobble,
            "r1": 3 * math.exp(-images / 8e4) + 0.01,
            "path_penalty": math.exp(-images / 3e4) + 0.02,
            "path_mean": 2 + images / 3e5,
        }
        progress(log, images, **curves | values)
        if images % 20000 == 0:
            samples(log, folder, images, color_distance=0.6 * math.exp(-images / 1e5) + 0.05)
    log.write("stop", images_seen=320000, steps=20000, reason="9 minutes are over", seconds=2560.0)
    return log


def read(folder):
    write_report(RunFolder(folder))
    html = (folder / "report.html").read_text()
    return html, Page(html)


def test_page_is_one_file_without_script_or_network(tmp_path):
    full_run(tmp_path / "run")
    html, page = read(tmp_path / "run")
    assert "<script" not in html
    assert all(image["src"].startswith("data:image/") for image in page.images)
    links = re.findall(r"https?://[^\"'\s<]+", html)
    assert set(links) <= {"http://www.w3.org/2000/svg"}  # a name, not a place
    assert not re.search(r"@import|url\(|<link|<iframe", html)


def test_summary_tells_what_was_trained_on_what_and_how_long(tmp_path):
    full_run(tmp_path / "avatars")
    _, page = read(tmp_path / "avatars")
    for fact in (
        "avatars: a training report",
        "small-avatars",
        "10,000 images from faces.zip (32x32 RGB)",
        "320 thousand images, 32 passes over the data",
        "42 min 40 s on x86_64 CPU, 2 threads in bf16",
        "It stopped: 9 minutes are over.",
        "in balance",
        "1.23 M",
    ):
        assert fact in page.text


def test_charts_show_all_that_was_logged(tmp_path):
    full_run(tmp_path / "run")
    html, _ = read(tmp_path / "run")
    titles = re.findall(r"<svg[^>]*><title>([^<]*)</title>", html)
    assert titles == [
        "Score signs",
        "Losses",
        "Scores",
        "Distance of color moments",
        "Diversity",
        "Regularization",
        "Path length",
        "Speed",
    ]
    assert html.count('class="band"') == 1


def test_metrics_that_were_taken_on_the_way_have_charts(tmp_path):
    log = start_run(tmp_path / "run")
    for images, value in ((4000, 9.0), (8000, 3.0)):
        progress(log, images)
        scores = {"fd_random_5k": value, "pr_random_5k3 <recall>": 0.5}
        log.write("metrics", images_seen=images, steps=1, scores=scores, best=True)
    html, _ = read(tmp_path / "run")
    titles = re.findall(r"<svg[^>]*><title>([^<]*)</title>", html)
    assert titles[:2] == ["fd_random_5k", "pr_random_5k3 &lt;recall&gt;"]


def test_charts_of_what_is_switched_off_are_left_out(tmp_path):
    full_run(tmp_path / "run", r1=None, path_penalty=None, path_mean=0.0)
    html, _ = read(tmp_path / "run")
    titles = re.findall(r"<svg[^>]*><title>([^<]*)</title>", html)
    assert "Losses" in titles and "Speed" in titles
    assert "Regularization" not in titles and "Path length" not in titles


def test_a_total_collapse_is_still_drawn(tmp_path):
    log = start_run(tmp_path / "run")
    samples(log, tmp_path / "run", 1000, diversity=0.0)
    html, _ = read(tmp_path / "run")
    assert "<title>Diversity</title>" in html


def test_grids_are_latest_reals_and_an_even_history(tmp_path):
    full_run(tmp_path / "run")
    _, page = read(tmp_path / "run")
    names = [image["alt"] for image in page.images]
    assert names[:2] == ["Samples after 320 thousand images", "Real images, for comparison"]
    assert len(names) == 2 + MAX_HISTORY_GRIDS
    assert names[2] == "20 thousand images" and names[-1] == "320 thousand images"


def test_small_grids_are_embedded_pixel_for_pixel_and_enlarged_unsmoothed(tmp_path):
    log = start_run(tmp_path / "run")
    samples(log, tmp_path / "run", 1000)
    _, page = read(tmp_path / "run")
    (image,) = page.images
    content = base64.b64decode(image["src"].partition("base64,")[2])
    with Image.open(io.BytesIO(content)) as shown:
        assert np.array_equal(np.asarray(shown), pixels(8 * SIZE, seed=1000))
    assert image["class"] == "pixels" and int(image["width"]) == 2 * 8 * SIZE


def test_page_stays_small_with_large_noisy_grids(tmp_path):
    log = start_run(tmp_path / "run")
    noise = pixels(800)
    Image.fromarray(noise).save(tmp_path / "run" / "samples" / "reals.png", compress_level=0)
    for images in range(1000, 9000, 1000):
        samples(log, tmp_path / "run", images, grid=noise)
    html, page = read(tmp_path / "run")
    assert len(page.images) == 2 + MAX_HISTORY_GRIDS
    assert 1_000_000 < len(html) < 4_000_000


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("budget", [1_000_000, 5_000])
def test_embed_keeps_shape_within_budget_for_every_mode(mode, budget):
    image = Image.fromarray(pixels(200)).convert(mode).resize((200, 100))
    uri, width, height = embed_image(image, max_pixels=150, max_bytes=budget)
    content = base64.b64decode(uri.partition("base64,")[2])
    assert len(content) <= budget
    assert width <= 150 and width == pytest.approx(2 * height, abs=2)
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.size == (width, height)


def test_report_of_a_log_of_one_line(tmp_path):
    start_run(tmp_path / "run")
    _, page = read(tmp_path / "run")
    assert page.images == []
    assert "No progress has been recorded yet" in page.text
    assert "No samples have been drawn yet" in page.text
    assert any(command.startswith("stylesmith train --resume") for command in page.commands())


def test_report_of_an_empty_log(tmp_path):
    start_run(tmp_path / "run")
    (tmp_path / "run" / "log.jsonl").write_text("")
    _, page = read(tmp_path / "run")
    assert "No progress has been recorded yet" in page.text


def test_report_with_a_single_tick_and_nulls(tmp_path):
    log = start_run(tmp_path / "run")
    progress(log, 16, loss_g=float("nan"), memory_gb=None, r1=None, path_penalty=None)
    html, page = read(tmp_path / "run")
    assert "<title>Losses</title>" in html
    assert "nan" not in page.text.lower().split()


def test_names_and_hints_cannot_inject_html(tmp_path):
    evil = "<script>alert('x')</script>&\"q\""
    settings = config(preset=evil, data={"path": f"/data/{evil}"})
    log = start_run(tmp_path / "run <b>&", settings)
    log.write("start", images_seen=0, steps=0, device=evil, precision=evil, torch=evil)
    log.write("hint", images_seen=10, steps=1, text=evil)
    log.write("dropped", images_seen=10, steps=1, where=evil)
    log.write("stop", images_seen=10, steps=1, reason=evil, seconds=1.0)
    log.write("samples", images_seen=10, steps=1, file="<i>.png")
    _, page = read(tmp_path / "run <b>&")
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "b", "i"}
    assert page.text.count("alert(") >= 4  # shown, as text


def test_sample_file_outside_the_run_is_not_embedded(tmp_path):
    log = start_run(tmp_path / "run")
    Image.fromarray(pixels(64)).save(tmp_path / "private.png")
    log.write("samples", images_seen=10, steps=1, file="../private.png")
    _, page = read(tmp_path / "run")
    assert page.images == []


def test_damaged_sample_is_said_and_the_rest_shown(tmp_path):
    folder = tmp_path / "run"
    log = start_run(folder)
    samples(log, folder, 1000)
    samples(log, folder, 2000)
    (folder / "samples" / "000002000.png").write_bytes(b"not an image")
    _, page = read(folder)
    assert "000002000.png cannot be shown" in page.text
    assert [image["alt"] for image in page.images] == ["1 thousand images"]


def test_settings_show_value_and_meaning_of_every_field(tmp_path):
    start_run(tmp_path / "run")
    _, page = read(tmp_path / "run")
    tips = [attrs["title"] for tag, attrs in page.tags if tag == "tr"]
    assert "Weight of the R1 gradient penalty on real images; 0 leaves it out." in tips
    assert all(tips)
    for part in ("run", "generator", "generator.mapping", "discriminator", "training", "output"):
        assert part in page.text
    assert re.search(r"r1_gamma\s*0\.5", page.text)


def test_repeated_hints_are_said_once_with_their_times(tmp_path):
    log = start_run(tmp_path / "run")
    for images in (4000, 8000, 12000):
        log.write("hint", images_seen=images, steps=1, text="The discriminator is winning.")
    log.write("rollback", images_seen=12000, steps=1, to=8000)
    log.write("dropped", images_seen=13000, steps=1, where="loss_d")
    _, page = read(tmp_path / "run")
    hints = page.text.partition("Hints and incidents")[2]
    assert hints.count("The discriminator is winning.") == 1
    assert "3 times, first at 4 thousand and last at 12 thousand images" in hints
    assert "went back to the checkpoint at 8 thousand images" in hints
    assert "1 step was dropped: numbers not finite (loss_d)" in hints


def test_missing_config_and_bad_config_name_the_file(tmp_path):
    start_run(tmp_path / "run")
    path = tmp_path / "run" / "config.json"
    path.write_text(json.dumps({"preset": 3}))
    with pytest.raises(ConfigError, match=re.escape(str(path))):
        write_report(RunFolder(tmp_path / "run"))
    path.unlink()
    with pytest.raises(ModelError, match=f"{re.escape(str(path.parent))}: .* no config.json"):
        write_report(RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run" / "report.html").exists()
