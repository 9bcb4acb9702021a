"""The page in a real Chromium, used as a person uses it: pictures are those of `generate`."""

import base64
import json
import os
import time
from urllib.parse import quote

import numpy as np
import pytest

from stylesmith.explorer.app import make_app
from stylesmith.images import to_uint8
from stylesmith.sampling.scene import LayerMix, Move, Scene, ScenePainter
from stylesmith.sampling.scene_files import encode_scene_png, read_scene
from tests.browser import find_browser
from tests.explorer.chromium import chromium_page
from tests.explorer.conftest import TOKEN, Served
from tests.support import read_pixels

RESTS = "document.querySelector('#frame')?.getAttribute('aria-busy') === 'false'"
CAPTION = "document.querySelector('#caption').textContent"
PIXELS = """(() => {
  const canvas = document.querySelector('#picture');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, btoa(String.fromCharCode(...data))];
})()"""


@pytest.fixture(scope="module")
def browser():
    found = find_browser()
    if not found and os.environ.get("STYLESMITH_TEST_BROWSER") == "required":
        pytest.fail("no browser")
    if not found:
        pytest.skip("no browser: none of chromium, chrome is installed")
    with chromium_page(found) as page:
        yield page


@pytest.fixture
def page(browser, studio):
    """A page that is opened anew; at its end nothing was complained about, or asked elsewhere."""
    browser.problems.clear()
    browser.addresses.clear()
    with Served(make_app(studio, TOKEN)) as served:
        browser.served = served
        browser.open(f"{served.address}/?token={TOKEN}")
        browser.wait_for(RESTS)
        yield browser
        browser.call("Page.navigate", url="about:blank")
    assert browser.problems == []
    assert all(one.startswith((served.address, "blob:", "about:")) for one in browser.addresses)


def shown(page, text):
    """The picture, when the line under it says that it is that."""
    page.wait_for(f"{RESTS} && {CAPTION}.startsWith({json.dumps(text)})")
    width, height, content = page.evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width, 4)[..., :3]


def drawn(avatars, **scene):
    image = ScenePainter(avatars).draw(Scene(**scene))
    return to_uint8(image)[0].permute(1, 2, 0).numpy()


def set_value(page, selector, value, *events):
    """What a drag of a slider does: many inputs, and one change at the end."""
    page.evaluate(f"""(() => {{
      const input = document.querySelector({json.dumps(selector)});
      input.value = {json.dumps(value)};
      for (const name of {json.dumps(events or ("input", "change"))})
        input.dispatchEvent(new Event(name, {{ bubbles: true }}));
    }})()""")


def test_seeds_and_truncation_are_pictures_of_generate(page, avatars):
    assert (shown(page, "Seed 0 ") == drawn(avatars)).all()
    page.key("ArrowRight")
    page.key("ArrowUp")
    assert (shown(page, "Seed 1 · ψ 0.75") == drawn(avatars, seed=1, psi=0.75)).all()
    page.click("#seed")
    page.evaluate("document.querySelector('#seed').select()")
    for digit in "42":
        page.key(digit)
    assert (shown(page, "Seed 42 · ψ 0.75") == drawn(avatars, seed=42, psi=0.75)).all()
    page.wait_for("document.querySelectorAll('#neighbors canvas.pixels').length === 8")
    page.click("#neighbors .thumb:nth-child(5)")
    assert (shown(page, "Seed 43 ") == drawn(avatars, seed=43, psi=0.75)).all()
    page.click("#psi-by-layer summary")
    set_value(page, "#layer-psi .fader:nth-child(3) input", 0)
    psi = (0.75, 0.75, 0, 0.75, 0.75, 0.75, 0.75, 0.75)
    assert (shown(page, "Seed 43 · ψ by layer") == drawn(avatars, seed=43, layer_psi=psi)).all()


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "way", ["mouse", pytest.param("touch", marks=SLOW), pytest.param("keyboard", marks=SLOW)]
)
def test_a_small_picture_is_mixed_into_a_layer(page, avatars, way):
    page.wait_for("document.querySelectorAll('#neighbors canvas.pixels').length === 8")
    source = "#neighbors .thumb:nth-child(6)"
    target = "#strip .cell:nth-child(5)"  # behind two names of groups
    if way == "mouse":
        page.drag(source, target)
    elif way == "touch":
        page.touch_drag(source, target)
    else:
        page.evaluate(f"document.querySelector('{source}').focus()")
        page.key("m")
        page.evaluate(f"document.querySelector('{target}').focus()")
        page.key("Enter")
    mix = (LayerMix(seed=2, layers=(4, 5)),)
    assert (shown(page, "Seed 0 · + 2 on layers 4") == drawn(avatars, mix=mix)).all()
    page.click(target)
    set_value(page, "#mix-controls input[type=range]", 40)
    mix = (LayerMix(seed=2, layers=(4, 5), amount=0.4),)
    assert (shown(page, "Seed 0 · + 2 (40 %) on") == drawn(avatars, mix=mix)).all()
    page.key("z", modifiers=2)
    shown(page, "Seed 0 · + 2 on layers 4")
    page.key("z", modifiers=2)
    assert (shown(page, "Seed 0 · ψ") == drawn(avatars)).all()


def test_directions_move_the_picture_and_are_shown_at_both_ends(page, avatars):
    ends = "document.querySelectorAll('#edit .thumb canvas.pixels').length"
    page.wait_for(f"{ends} === 12")
    page.click("#edit .direction:nth-of-type(2) .thumb:last-child")
    moves = (Move(layers=tuple(range(8)), number=1, strength=3),)
    assert (shown(page, "Seed 0 · edited (1)") == drawn(avatars, moves=moves)).all()
    page.click("#edit .segments label:nth-child(2)")
    set_value(page, "#edit .direction:nth-of-type(3) input", -2)
    moves += (Move(layers=(0, 1, 2, 3), number=2, strength=-2),)
    assert (shown(page, "Seed 0 · edited (2)") == drawn(avatars, moves=moves)).all()
    page.click("#edit > button")
    assert (shown(page, "Seed 0 · ψ") == drawn(avatars)).all()


def test_many_inputs_in_a_second_end_on_the_last_with_one_step_of_undo(page, avatars):
    for value in range(60):
        set_value(page, "#psi input", (value - 20) / 20, "input")
    set_value(page, "#psi input", 1.5)
    assert (shown(page, "Seed 0 · ψ 1.50") == drawn(avatars, psi=1.5)).all()
    page.key("z", modifiers=2)
    assert (shown(page, "Seed 0 · ψ 0.70") == drawn(avatars)).all()
    assert page.evaluate("document.querySelector('#undo').disabled")


@pytest.mark.slow
def test_random_gestures_are_undone_to_the_start_and_redone_to_the_end(page):
    scene = (
        "JSON.stringify(JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage)[0])).scene)"
    )
    rng = np.random.default_rng(0)
    keys = ["r", "ArrowRight", "ArrowUp", "ArrowDown", "n"]
    for number in rng.integers(0, len(keys), 200):
        page.key(keys[number])
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    end = page.evaluate(scene)
    steps = 0
    while not page.evaluate("document.querySelector('#undo').disabled"):
        page.key("z", modifiers=2)
        steps += 1
    assert 100 < steps <= 200
    shown(page, "Seed 0 · ψ 0.70")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert json.loads(page.evaluate(scene)) == Scene().model_dump(mode="json")
    for _ in range(steps):
        page.key("Z", modifiers=2 | 8)
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    assert page.evaluate(scene) == end


@pytest.mark.slow
def test_pins_history_and_steps_survive_a_reload_and_a_new_server(page, avatars, studio):
    page.key("ArrowRight")
    page.key("p")
    page.key("ArrowRight")
    shown(page, "Seed 2 ")
    page.wait_for("document.querySelectorAll('#history .thumb').length > 0")
    page.call("Page.reload")
    shown(page, "Seed 2 ")
    assert page.evaluate("location.href") == f"{page.served.address}/"
    page.wait_for("document.querySelectorAll('#pins .thumb canvas.pixels').length === 1")
    page.wait_for("document.querySelectorAll('#history .thumb canvas.pixels').length > 0")
    page.key("z", modifiers=2)
    shown(page, "Seed 1 ")
    port = page.served.port
    page.served.__exit__()
    page.wait_for("document.querySelector('#notice').textContent.startsWith('Connection lost')")
    page.key("ArrowLeft")  # meanwhile
    with Served(make_app(studio, TOKEN), port):
        assert (shown(page, "Seed 0 ") == drawn(avatars)).all()
        assert page.evaluate("document.querySelector('#notice').hidden")
        page.call("Page.navigate", url="about:blank")
    lost = [one for one in page.problems if "ERR_CONNECTION" in one]
    assert lost
    page.problems[:] = [one for one in page.problems if one not in lost]


def test_what_leaves_the_page_brings_the_picture_back(page, avatars, tmp_path):
    mix = (LayerMix(seed=5, layers=(0, 1)),)
    png = tmp_path / "saved.png"
    image = ScenePainter(avatars).draw(Scene(seed=3, mix=mix))[0]
    png.write_bytes(encode_scene_png(image, Scene(seed=3, mix=mix), model="x"))
    page.call("DOM.enable")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=[str(png)])
    page.wait_for("document.querySelector('#ask-dialog').open")
    shown(page, "Seed 0 ")  # till it is answered
    page.click("#ask-dialog button.primary")
    assert (shown(page, "Seed 3 · + 5") == drawn(avatars, seed=3, mix=mix)).all()

    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "out"))
    page.key("s")
    saved = tmp_path / "out/avatars-seed3.png"
    page.wait_for("document.querySelector('#toast').textContent.startsWith('Saved avatars-seed3')")
    end = time.monotonic() + 10
    while not saved.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert read_scene(str(saved)) == Scene(seed=3, mix=mix)
    assert (read_pixels(saved) == read_pixels(png)).all()

    text = Scene(seed=9, psi=0.25).to_json()
    page.evaluate(f"location.hash = 'scene={quote(text)}'")
    assert (shown(page, "Seed 9 · ψ 0.25") == drawn(avatars, seed=9, psi=0.25)).all()
    page.evaluate('location.hash = \'scene=\' + encodeURIComponent(\'{"version":1,"path":"x"}\')')
    page.wait_for("document.querySelector('#toast').textContent.includes('path is unknown')")
    shown(page, "Seed 9 ")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_page_fits_every_width_without_scrolling_sideways(page, width):
    page.open(f"{page.served.address}/", width=width, height=800)
    page.wait_for(RESTS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = """[...document.querySelectorAll('button, select, input[type=number]')]
      .map((one) => [one.id || one.className, one.getBoundingClientRect().height])
      .filter(([, height]) => height > 0 && height < 24)"""
    assert page.evaluate(small) == []
