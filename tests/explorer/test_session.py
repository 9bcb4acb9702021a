"""What an open page gets: the newest picture, in its turn, and one line for every mistake."""

import asyncio
import json
import struct
import threading

import pytest
import torch
from starlette.websockets import WebSocketDisconnect

from stylesmith.explorer import session as sessions
from stylesmith.explorer.app import MAX_PAGES
from stylesmith.explorer.drawing_queue import DrawingQueue
from stylesmith.explorer.messages import MAX_MESSAGE_BYTES, Answer, SceneRequest, parse_message
from stylesmith.explorer.session import MAX_MISTAKES, MAX_WAITING, Session
from stylesmith.images import to_uint8
from stylesmith.sampling.scene import Scene
from stylesmith.sampling.scene_files import SCENE_KEYWORD, parse_scene
from tests.explorer.test_guard import live


def ask(page, kind="draw", number=1, **scene):
    page.send_json({"kind": kind, "id": number, "scene": scene})
    about = page.receive_json()
    if about["kind"] == "error":
        return about, None
    content = page.receive_bytes()
    page.send_json({"kind": "received"})
    found, _, width, height = struct.unpack("<4I", content[:16])
    assert found == about["id"] == number
    return about, (width, height, content[16:])


def test_a_page_is_told_of_the_model(client, avatars):
    with live(client) as page:
        model = page.receive_json()
    assert (model["width"], model["height"], model["name"]) == (32, 32, "avatars")
    assert model["layers"] == [4, 4, 8, 8, 16, 16, 32, 32]
    assert Scene.model_validate(model["scene"]) == Scene()


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_a_picture_at_rest_is_what_generate_draws(client, avatars, seed):
    with live(client) as page:
        page.receive_json()
        about, (width, height, pixels) = ask(page, seed=seed, psi=0.6)
    image = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(height, width, 4)
    wanted = to_uint8(avatars.sample([seed], psi=0.6))[0].permute(1, 2, 0)
    assert torch.equal(image[..., :3], wanted)
    assert (image[..., 3] == 255).all()
    assert about["command"].startswith(f"stylesmith generate avatars --seeds {seed} --psi 0.6 ")
    assert sum(about["shares"]) == pytest.approx(1) and len(about["shares"]) == 4


def test_small_pictures_and_files(client, tmp_path):
    with live(client) as page:
        page.receive_json()
        _, large = ask(page, seed=5)
        _, small = ask(page, "thumbnail", 2, seed=5)
        _, (_, _, png) = ask(page, "save", 3, seed=5, mix=[{"seed": 1, "layers": [0]}])
    assert small == large  # no larger than 96 pixels
    text = png.partition(SCENE_KEYWORD.encode() + b"\0" * 5)[2]
    found = parse_scene(text[: text.index(b"}]}") + 3])
    assert found == Scene(seed=5, mix=({"seed": 1, "layers": [0]},))


@pytest.mark.parametrize(
    "scene",
    [
        {"seed": -1},
        {"psi": 1e9},
        {"mix": [{"seed": 1, "layers": [99]}]},
        {"label": 3},
        {"layer_psi": [0.5]},
        {"noise": {"mode": "fixed", "path": "/etc/passwd"}},
        {"version": 9},
    ],
)
@pytest.mark.parametrize("kind", ["draw", "thumbnail", "save"])
def test_a_scene_that_cannot_be_drawn_is_answered_in_one_line(client, scene, kind):
    with live(client) as page:
        page.receive_json()
        about, _ = ask(page, kind, 7, **scene)
        assert (about["kind"], about["id"]) == ("error", 7)
        assert 0 < len(about["message"]) < 500 and "\n" not in about["message"]
        assert ask(page, seed=1)[1]  # and the page goes on


MALFORMED = [
    "",
    "x",
    "null",
    "[" * 60_000,
    '{"kind": "draw"}',
    '{"kind": "open", "id": 1, "path": "/etc/passwd"}',
    '{"kind": "draw", "id": -1, "scene": {}}',
    '{"kind": "draw", "id": 1, "scene": "/etc/passwd"}',
    '{"kind": "draw", "id": 1, "scene": {}, "model": "other"}',
    '{"kind": "draw", "id": 1e400, "scene": {}}',
]


def test_malformed_messages_get_one_line_each_and_then_the_page_is_let_go(client):
    with live(client) as page:
        page.receive_json()
        for text in MALFORMED:
            page.send_text(text)
            assert page.receive_json()["id"] is None
        page.send_bytes(b"\0" * 100)
        assert page.receive_json()["kind"] == "error"
        assert ask(page, seed=1)[1]
        for _ in range(MAX_MISTAKES):
            page.send_text("x")
            assert page.receive_json()["kind"] == "error"
        with pytest.raises(WebSocketDisconnect) as closed:
            page.receive_json()
    assert closed.value.code == sessions.MISTAKES_CODE


def test_a_page_that_is_not_used_is_let_go(client, monkeypatch):
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 0.05)
    with live(client) as page:
        page.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            page.receive_json()
    assert closed.value.code == sessions.IDLE_CODE


def test_more_pages_than_a_server_holds_are_turned_away(client, monkeypatch):
    assert MAX_PAGES == 64
    monkeypatch.setattr("stylesmith.explorer.app.MAX_PAGES", 2)
    with live(client) as first, live(client) as second:
        first.receive_json(), second.receive_json()
        with live(client) as third, pytest.raises(WebSocketDisconnect) as closed:
            third.receive_json()
        assert closed.value.code == sessions.FULL_CODE
        assert ask(first)[1]
    with live(client) as later:
        assert later.receive_json()["kind"] == "model"


class FakeWebSocket:
    """Takes what is sent, and forgets the pictures."""

    def __init__(self):
        self.sent = []

    async def send_json(self, about):
        self.sent.append(about["id"])

    async def send_bytes(self, picture):
        pass


class Bench:
    """A drawing queue whose drawings take until they are let go."""

    def __init__(self, count=1):
        self.queue = DrawingQueue(self.answer)
        self.started = []
        self.release = threading.Semaphore(0)
        self.pages = [Session(FakeWebSocket(), self.queue.wake) for _ in range(count)]
        for page in self.pages:
            self.queue.add(page)

    def answer(self, request, is_wanted):
        self.started.append(request.id)
        self.release.acquire(timeout=60)
        if request.scene.get("bug"):
            raise KeyError("bug")
        return Answer({"id": request.id}, b"picture") if is_wanted() else None

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.001)

    def run(self, script):
        async def main():
            task = asyncio.create_task(self.queue.run())
            try:
                await script()
            finally:
                self.release.release(100)
                task.cancel()

        asyncio.run(main())


def request(number, kind="draw", **scene):
    return SceneRequest(kind=kind, id=number, scene=scene)


def send(page, message):
    page._accept(message)


RECEIVED = parse_message('{"kind": "received"}')


def test_the_newest_scene_wins_and_the_last_one_is_drawn():
    bench = Bench()
    (page,) = bench.pages

    async def script():
        send(page, request(0))
        await bench.until(lambda: bench.started == [0])
        for number in range(1, 60):
            send(page, request(number))
        bench.release.release(60)
        await bench.until(lambda: page.websocket.sent == [0])
        send(page, RECEIVED)
        await bench.until(lambda: page.websocket.sent == [0, 59])

    bench.run(script)
    assert bench.started == [0, 59]


def test_nothing_is_drawn_for_a_page_that_has_not_received_the_last_picture():
    bench = Bench(2)
    slow, quick = bench.pages

    async def script():
        bench.release.release(100)
        send(slow, request(0))
        await bench.until(lambda: slow.websocket.sent == [0])
        for number in range(1, 10):
            send(slow, request(100 + number))
            send(quick, request(number))
            await bench.until(lambda number=number: quick.websocket.sent[-1:] == [number])
            send(quick, RECEIVED)

    bench.run(script)
    assert bench.started == list(range(10))


def test_pages_take_turns_and_small_pictures_wait_for_large_ones():
    bench = Bench(3)

    def all_drawn(turn):
        """Whether each page got the large picture of a turn; what has come is acknowledged."""
        for page in bench.pages:
            if page.websocket.sent:
                page.websocket.sent.clear()
                send(page, RECEIVED)
        return {1000 * place + 500 + turn for place in range(3)} <= set(bench.started)

    async def script():
        bench.release.release(1000)
        for place, page in enumerate(bench.pages):
            for number in range(10 * (place + 1)):
                send(page, request(1000 * place + number, "thumbnail"))
        for turn in range(30):
            for place, page in enumerate(bench.pages):
                send(page, request(1000 * place + 500 + turn))
            await bench.until(lambda turn=turn: all_drawn(turn))

    bench.run(script)
    large = [number // 1000 for number in bench.started if number % 1000 >= 500]
    assert len(large) == 90
    assert all(sorted(large[i : i + 3]) == [0, 1, 2] for i in range(0, 90, 3))
    assert all(number % 1000 >= 500 for number in bench.started[:3])


def test_small_pictures_are_bounded_and_the_newest_are_kept():
    page = Session(FakeWebSocket(), lambda: None)
    for number in range(10 * MAX_WAITING):
        send(page, request(number, "thumbnail"))
    assert len(page.waiting) == MAX_WAITING
    assert page.waiting[-1].id == 10 * MAX_WAITING - 1


def test_a_page_that_has_gone_ends_its_drawing_and_a_bug_ends_no_other():
    bench = Bench(2)
    gone, stays = bench.pages

    async def script():
        send(gone, request(1))
        await bench.until(lambda: bench.started == [1])
        gone.is_open = False
        send(gone, request(2))
        bench.release.release(100)
        send(stays, request(3, bug=True))
        await bench.until(lambda: stays.websocket.sent == [3])
        send(stays, request(4))
        await bench.until(lambda: stays.websocket.sent == [3, 4])

    bench.run(script)
    assert (gone.websocket.sent, bench.started) == ([], [1, 3, 4])


def test_a_message_is_bounded_in_length():
    assert MAX_MESSAGE_BYTES == 65536
    text = json.dumps({"kind": "draw", "id": 1, "scene": {"mix": [{"x": 1}] * 100}})
    assert parse_message(text).id == 1  # read when it is drawn
