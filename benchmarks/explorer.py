"""Latency of the explorer: from an input to its pixels, by model and change, and under load.

    python benchmarks/explorer.py avatars runs/photos --clients 50 --seconds 20

The server runs in this process, and clients ask as pages do, over a websocket on this machine. A
browser adds the time to its next frame, about 15 ms.
"""

import argparse
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from websockets import Origin
from websockets.sync.client import ClientConnection, connect

from stylesmith import load
from stylesmith.explorer.app import make_app
from stylesmith.explorer.guard import Guard
from stylesmith.explorer.server import ServerSettings, listen, make_server
from stylesmith.explorer.studio import ModelName, Studio

TOKEN = "0" * 32
CHANGES: dict[str, Callable[[int], dict]] = {
    "seed": lambda n: {"seed": n},
    "psi": lambda n: {"psi": -1 + n % 60 / 20},
    "mix": lambda n: {"mix": [{"seed": 1, "layers": [0, 1], "amount": n % 100 / 100}]},
    "noise": lambda n: {"noise": {"strength": n % 40 / 20}},
    "direction": lambda n: {
        "moves": [{"layers": [0, 1, 2, 3], "number": 1, "strength": n % 8 - 4}]
    },
}


@contextmanager
def served(name: str) -> Iterator[int]:
    """The port at which a model is served."""
    studio = Studio(load(name), ModelName(name))
    studio.warm_up()
    with listen(ServerSettings(port=0)) as listener:
        server = make_server(make_app(studio, TOKEN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def open_page(port: int) -> ClientConnection:
    """A page as the server sees one; use it in `with`."""
    cookie = f"{Guard(make_app, TOKEN).cookie}={TOKEN}"  # type: ignore[arg-type]  # never called
    origin = f"http://127.0.0.1:{port}"
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
    return connect(
        f"ws://127.0.0.1:{port}/live",
        sock=connection,
        origin=Origin(origin),
        additional_headers={"Cookie": cookie},
        max_size=None,
    )


def next_picture(page: ClientConnection) -> int:
    """Wait for a picture; returns the number of its request."""
    while (number := take_picture(page, timeout=60)) is None:
        pass
    return number


def take_picture(page: ClientConnection, *, timeout: float) -> int | None:
    """The number of the next message's request, if it comes in time and is a picture."""
    try:
        message = page.recv(timeout=timeout)
    except TimeoutError:
        return None
    if isinstance(message, bytes):
        page.send('{"kind":"received"}')
        return int.from_bytes(message[:4], "little")
    assert '"error"' not in message[:20], message
    return None


def ask(page: ClientConnection, number: int, scene: dict) -> None:
    """Ask for a picture."""
    page.send(json.dumps({"kind": "draw", "id": number, "scene": scene}))


def latencies(page: ClientConnection, change: Callable[[int], dict], count: int) -> list[float]:
    """Milliseconds from single inputs to their pixels."""
    found = []
    for number in range(count):
        started = time.perf_counter()
        ask(page, number, change(number))
        next_picture(page)
        found.append(1000 * (time.perf_counter() - started))
    return found[1:]  # directions are found at the first one


def pictures_of_a_movement(page: ClientConnection, seconds: float) -> tuple[int, int]:
    """Inputs, 60 a second, and pictures, of which the last is that of the last input."""
    sent, drawn, last = 0, 0, -1
    started = time.perf_counter()
    while (now := time.perf_counter() - started) < seconds or last < sent - 1:
        if now < seconds and sent <= 60 * now:
            ask(page, sent, CHANGES["psi"](sent))
            sent += 1
        if (number := take_picture(page, timeout=0.001)) is not None:
            last, drawn = number, drawn + 1
    return sent, drawn


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all lies below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_load(port: int, clients: int, seconds: float) -> tuple[list[int], list[float]]:
    """Pictures of each client at 10 inputs a second, and the milliseconds that each took."""
    counts, waits = [0] * clients, []

    def use(place: int) -> None:
        with open_page(port) as page:
            times: dict[int, float] = {}
            started, sent = time.perf_counter(), 0
            while (now := time.perf_counter() - started) < seconds:
                if sent <= 10 * now:
                    times[sent] = time.perf_counter()
                    ask(page, sent, {"seed": 1000 * place + sent})
                    sent += 1
                if (number := take_picture(page, timeout=0.02)) is not None:
                    counts[place] += 1
                    waits.append(1000 * (time.perf_counter() - times[number]))

    threads = [threading.Thread(target=use, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, waits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--count", type=int, default=60, help="inputs of each kind of change")
    parser.add_argument("--clients", type=int, default=0, help="pages that ask at the same time")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    for name in options.models:
        with served(name) as port, open_page(port) as page:
            for kind, change in CHANGES.items():
                found = latencies(page, change, options.count)
                middle, high = statistics.median(found), percentile(found, 0.95)
                print(f"{name}: {kind}: median {middle:.1f} ms, 95th percentile {high:.1f} ms")
            sent, drawn = pictures_of_a_movement(page, 3)
            print(f"{name}: a control that moves: {sent} inputs, {drawn / 3:.1f} pictures a second")
            if options.clients:
                counts, waits = measure_load(port, options.clients, options.seconds)
                print(
                    f"{name}: {options.clients} clients: {min(counts)} to {max(counts)} pictures "
                    f"each, median {statistics.median(waits):.0f} ms, 95th percentile "
                    f"{percentile(waits, 0.95):.0f} ms"
                )


if __name__ == "__main__":
    main()
