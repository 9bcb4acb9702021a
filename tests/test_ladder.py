"""The ladder: equal budgets, rows that go on where they stopped, and one page in two forms."""

import importlib
import io
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from stylesmith import runs
from stylesmith.config import DataConfig
from stylesmith.data.dataset import open_dataset
from stylesmith.errors import ConfigError, ModelError, RunError, UsageError
from stylesmith.models import RunFolder
from stylesmith.presets import find_preset
from stylesmith.presets.own_presets import tiny
from stylesmith.runs import RunComparison
from stylesmith.runs.run_comparison import wall_minutes
from stylesmith.training.run_history import RunHistory
from tests.support import CPU, differing, make_photos, newest_state, tiny_config

FOLDER = Path(__file__).parents[1] / "benchmarks"
ROWS = ("tiny", "small-avatars")
SMALL = ("--max-channels", "4", "--mapping", "8", "--set", "training.batch_size=4")
STEPS = 8
KIMG = ("--kimg", str(STEPS * 4 / 1000))


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """A function that imports a benchmark as its own command line would."""
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module
    sys.path.remove(str(FOLDER))
    for name in [*sys.modules]:
        if name.startswith("ladder") or name == "measure":
            del sys.modules[name]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="module")
def call(load) -> Callable[..., bool]:
    """A function that runs the command line in this process."""
    ladder = load("ladder")
    return lambda *words: ladder.run(
        ladder.parse_arguments([str(word) for word in words]), "python benchmarks/ladder.py | x"
    )


@pytest.fixture(scope="module")
def out(call, photos, tmp_path_factory) -> Path:
    """A ladder of two rows that is complete."""
    folder = tmp_path_factory.mktemp("runs") / "ladder"
    assert call("--data", photos, "--out", folder, "--presets", ",".join(ROWS), *KIMG, *SMALL)
    return folder


def page(folder: Path) -> str:
    return (folder / "ladder.md").read_text()


def names_of_images(folder: Path) -> list[str]:
    return re.findall(r"^!\[.*\]\((.+)\)$", page(folder), re.M)


def test_every_row_gets_the_budget_and_the_shared_settings(out):
    for name in ROWS:
        run = RunFolder(out / name)
        config = run.read_config()
        assert int(run.checkpoints()[0].stem) == STEPS * 4 == config.training.kimg * 1000
        assert config.generator.max_channels == config.discriminator.max_channels == 4
        assert config.generator.mapping.w_dim == config.generator.mapping.z_dim == 8
        assert config.preset == name
        assert len(list((run.path / "samples").glob("0*.png"))) == STEPS + 1, "15 a run, or all"


def test_called_again_complete_rows_stay_and_others_reach_the_same_state(call, out, photos, capsys):
    finished, cut_off = (RunFolder(out / name) for name in ROWS)
    states = {run.path: newest_state(run) for run in (finished, cut_off)}
    before = finished.checkpoints()[0].stat().st_mtime_ns
    cut_off.checkpoints()[0].unlink()
    assert call("--data", photos, "--out", out, *KIMG, *SMALL)
    said = capsys.readouterr().out
    assert "tiny: complete" in said and "small-avatars: goes on after" in said
    assert finished.checkpoints()[0].stat().st_mtime_ns == before
    tensors, header = states[cut_off.path]
    assert not differing(newest_state(cut_off)[0], tensors)
    assert newest_state(cut_off)[1]["clocks"] == header["clocks"]


def test_a_row_does_not_go_on_under_other_settings(call, out, photos):
    words = ["--data", photos, "--out", out, *KIMG, *SMALL]
    with pytest.raises(ConfigError, match=r"tiny: was trained with training.seed 0, now it is 1\."):
        call(*words, "--set", "training.seed=1")


def test_a_row_that_fits_nothing_is_refused_before_any_is_trained(call, photos, tmp_path):
    with pytest.raises(ConfigError, match="Did you mean tiny"):
        call("--data", photos, "--out", tmp_path / "new", "--presets", "tiny,tini", *KIMG)
    assert not (tmp_path / "new").exists()


def test_minutes_hold_for_all_sessions_together(call, load, photos, tmp_path, capsys):
    words = ["--data", photos, "--out", tmp_path, "--presets", "tiny", "--minutes", "0.01", *SMALL]
    assert call(*words)
    row = load("ladder_rows").Row.read(tmp_path, "tiny")
    assert row.history.stop_reason == "its time is over"
    assert 0.01 <= wall_minutes(row.history.records) < 0.1
    assert call(*words)
    assert "tiny: complete" in capsys.readouterr().out


def test_a_row_that_failed_is_told_and_the_next_one_trained(
    call, out, photos, tmp_path, monkeypatch, capsys
):
    ladder = tmp_path / "ladder"
    shutil.copytree(out, ladder)
    original = RunComparison.train

    def fail_first(comparison, name, notify):
        if name == "tiny":
            raise RunError("five steps were not finite")
        return original(comparison, name, notify)

    words = ["--data", photos, "--out", ladder, *KIMG, *SMALL]
    with monkeypatch.context() as patch:
        patch.setattr(RunComparison, "train", fail_first)
        assert not call(*words)
    assert "**It failed:** five steps were not finite" in page(ladder)
    assert "small-avatars: complete" in capsys.readouterr().out
    assert call(*words)
    assert "failed" not in page(ladder)


def test_the_page_has_every_row_its_images_and_the_command(out):
    text, images = page(out), names_of_images(out)
    for name in ROWS:
        assert f"\n## {name}\n" in text and f"| `{name}` |" in text
        assert find_preset(name).summary in text
        assert {f"{name}.png", f"{name}-history.png", f"{name}-curves.svg"} <= set(images)
    assert "\npython benchmarks/ladder.py | x\n" in text
    assert all((out / image).is_file() for image in images)
    assert "x86_64" in text or "CPU" in text


def test_the_page_in_html_needs_nothing_else(out):
    html = (out / "ladder.html").read_text()
    sources = re.findall(r'(?:src|href)="(.{10})', html)
    assert len(sources) == len([n for n in names_of_images(out) if not n.endswith(".svg")])
    assert set(sources) == {"data:image"}
    assert html.count("<svg") == sum(
        (out / name).read_text().count("<svg") - 1
        for name in names_of_images(out)
        if name.endswith(".svg")
    )


def test_a_written_reading_survives_and_cannot_break_the_page(call, out, tmp_path):
    (out / "reading.md").write_text("Row *one* collapses. <script>alert(1)</script>\n")
    assert call("--page-only", "--out", out, "--publish", tmp_path / "docs")
    html = (out / "ladder.html").read_text()
    assert "Row <em>one</em> collapses." in html and "<script" not in html
    published = tmp_path / "docs"
    assert page(published) == page(out) and "Row *one* collapses." in page(published)
    assert {path.name for path in published.iterdir()} == {"ladder.md", *names_of_images(out)}


def test_bad_input_is_one_line(call, load, photos, tmp_path):
    with pytest.raises(UsageError, match="--data: wanted"):
        call("--out", tmp_path)
    with pytest.raises(UsageError, match="holds no rows yet"):
        call("--out", tmp_path, "--page-only")
    (tmp_path / "ladder.json").write_text("[1]")
    with pytest.raises(ModelError, match=r"ladder\.json: damaged"):
        call("--out", tmp_path, "--page-only")
    for words in (["--kimg", "0"], ["--kimg", "nan"], ["--kimg", "1", "--minutes", "1"]):
        with pytest.raises(SystemExit):
            load("ladder").parse_arguments(["--out", "x", *words])


def test_speed_is_measured_and_shown(call, photos, tmp_path, capsys):
    assert call("--data", photos, "--out", tmp_path, "--presets", "tiny", "--speed", *SMALL)
    assert re.search(r"\| `tiny` \| [\d.e+]+ \| 4 \| float32 \|", capsys.readouterr().out)
    assert "## Speed, measured apart" in page(tmp_path) and "| `tiny` |" in page(tmp_path)


def test_kinds_of_steps_weigh_as_they_fall_in_a_cycle(load):
    kinds = load("ladder_speed").steps_by_kind
    training = find_preset("stylegan2-e").build(DataConfig(size=(32, 32)), CPU).training
    counts = {kind: len(steps) for kind, steps in kinds(training).items()}
    assert counts == {"path length and R1": 1, "path length": 3, "main passes alone": 12}
    alone = training.model_copy(update={"path_weight": 0.0, "r1_gamma": 0.0})
    assert kinds(alone) == {"main passes alone": [0]}


def test_speed_is_that_of_the_full_size(load, photos):
    speed = load("ladder_speed")
    data = DataConfig(size=(8, 8))
    growth = {"start": 4, "train_kimg": 0.01, "fade_kimg": 0.01, "repeats": 1}
    config = tiny(data).change(
        generator={"connection": "grow"},
        discriminator={"connection": "grow"},
        training={"growth": growth, "batch_size": {4: 8, 8: 2}},
    )
    training = speed.at_full_size(config).training
    assert training.growth is None and training.batch_size == 2
    measured = speed.measure_speed(config, open_dataset(photos), CPU, repeats=1)
    times, kinds = measured.milliseconds, speed.steps_by_kind(config.training)
    mean = sum(times[k] * len(steps) for k, steps in kinds.items()) / sum(map(len, kinds.values()))
    assert measured.images_per_second == pytest.approx(2 / (mean / 1000))


def test_speed_at_full_size_leaves_growing_out(load):
    data = DataConfig(size=(8, 8))
    growth = {"start": 4, "train_kimg": 0.01, "fade_kimg": 0.01}
    config = tiny(data).change(
        generator={"connection": "grow"},
        discriminator={"connection": "grow"},
        training={"growth": growth},
    )
    records = [
        {"event": "progress", "images_seen": seen, "img_per_sec": speed, "seconds": seen / 50}
        for seen, speed in ((12, 900.0), (22, 800.0), (32, 50.0), (42, 40.0), (52, 60.0))
    ]
    Row = load("ladder_rows").Row
    row = Row(find_preset("tiny"), RunFolder(Path("none")), RunHistory(config, records))
    assert row.full_speed == 50.0, "the second record began below full size"
    assert row.overall_speed == 50.0


def test_a_grid_is_cut_in_the_order_of_its_seeds(load, tmp_path):
    ladder_images = load("ladder_images")
    config = tiny(DataConfig(size=(8, 8))).change(output={"grid_images": 6})
    grid = np.zeros((16, 24, 3), dtype=np.uint8)
    for i in range(6):
        grid[i // 3 * 8 : i // 3 * 8 + 8, i % 3 * 8 : i % 3 * 8 + 8] = 40 * i
    Image.fromarray(grid).save(tmp_path / "grid.png")
    tiles = ladder_images.cut(tmp_path / "grid.png", RunHistory(config, []))
    assert [tile.getpixel((4, 4))[0] for tile in tiles] == [0, 40, 80, 120, 160, 200]
    grid = ladder_images.tile_images(tiles, columns=2)
    assert grid.size == (128, 192), "8 pixels become 64"
    assert [grid.getpixel((x, y))[0] for y in (0, 191) for x in (0, 127)] == [0, 40, 160, 200]


@pytest.mark.parametrize("budget", [200_000, 8000, 600])
def test_an_image_keeps_to_its_budget(load, budget):
    noise = np.random.default_rng(0).integers(0, 256, (128, 256, 3), dtype=np.uint8)
    content, suffix = load("ladder_images").encode(Image.fromarray(noise), budget=budget)
    opened = Image.open(io.BytesIO(content))
    assert len(content) <= budget
    assert (suffix, opened.format) == ((".png", "PNG") if budget > 98304 else (".jpg", "JPEG"))


def test_charts_share_a_file_side_by_side(load):
    ladder_images = load("ladder_images")
    charts = [ladder_images.chart(ladder_images.PLOTS[0], {name: [(0.0, 1.0)]}) for name in "abc"]
    root = ET.fromstring(ladder_images.mosaic(charts))
    placed = [child for child in root if child.tag.endswith("svg")]
    corners = [(child.get("x"), child.get("y")) for child in placed]
    assert len(set(corners)) == 3 and corners[0][1] == corners[1][1] != corners[2][1]


def test_the_charts_of_a_row_are_there(load, out):
    row = load("ladder_rows").Row.read(out, "tiny")
    charts = load("ladder_images").row_charts(row.history)
    titles = [re.search("<title>(.*?)</title>", chart)[1] for chart in charts]
    assert titles == ["Score signs", "Losses", "Distance of color moments", "Diversity"]


def test_what_is_written_on_the_way_and_where_data_lies_may_change(photos, tmp_path):
    begun, _ = tiny_config(photos)
    moved = begun.change(data={"path": "elsewhere"}, output={"log_kimg": 5.0, "metrics": ["fid"]})
    run = RunFolder(tmp_path)
    runs.check_same_settings(run, begun, moved, folder_option="--out")
    other = begun.change(training={"r1_gamma": 3.0})
    with pytest.raises(ConfigError, match=r"training\.r1_gamma 1\.0, now it is 3\.0.*another --x"):
        runs.check_same_settings(run, begun, other, folder_option="--x")
