"""Attacks of other pages, other users and other machines on the local server."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stylesmith.explorer.app import WEB_FOLDER, make_app
from tests.explorer.conftest import ADDRESS, TOKEN

HOST = ADDRESS.removeprefix("http://")
FOREIGN_HOSTS = [
    "evil.com",
    "evil.com:8642",
    "127.0.0.1.evil.com:8642",
    "127.evil.com",
    "localhost.evil.com:8642",
    "127.0.0.2:8642",
    "0.0.0.0:8642",
    "[::2]:8642",
    "",
    "user@127.0.0.1:8642",
    "127.0.0.1:8642:8642",
]
FOREIGN_ORIGINS = [
    "null",
    "http://evil.com",
    "http://127.0.0.1:1234",
    "http://127.0.0.1",
    "http://localhost:8642",
    "file://127.0.0.1:8642",
    "http://127.0.0.1:8642.evil.com",
    "http://127.0.0.1:8642/",
    "",
]


def live(client, **headers):
    return client.websocket_connect(f"ws://{HOST}/live", headers={"origin": ADDRESS, **headers})


def assert_refused(client, **headers):
    with pytest.raises(WebSocketDisconnect), live(client, **headers):
        pass


def test_the_token_of_the_address_becomes_a_cookie(studio):
    with TestClient(make_app(studio, TOKEN), base_url=ADDRESS) as client:
        for address in (
            "/",
            "/main.js",
            "/?token=",
            f"/?token={TOKEN[:-1]}",
            f"/main.js?token={TOKEN}",
        ):
            assert client.get(address).status_code == 403
        assert_refused(client)
        opened = client.get(f"/?token={TOKEN}")
        assert opened.status_code == 200
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert client.get("/main.js").status_code == client.get("/").status_code == 200
        with live(client) as page:
            assert page.receive_json()["kind"] == "model"


def test_cookies_of_other_servers_and_wrong_ones_are_none(client, studio):
    (cookie,) = client.cookies.jar
    client.cookies.clear()
    for text in (f"{cookie.name}=wrong", f"stylesmith={TOKEN}", f"{cookie.name}=\xe9", ";;=;"):
        assert client.get("/", headers={"cookie": text.encode("latin-1")}).status_code == 403
        assert_refused(client, cookie=text.encode("latin-1"))
    other = make_app(studio, "f" * 32)
    with TestClient(other, base_url=ADDRESS, cookies={cookie.name: TOKEN}) as stranger:
        assert stranger.get("/").status_code == 403


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_names_that_point_here_are_refused(client, host):
    for address in ("/", f"/?token={TOKEN}", "/main.js"):
        assert client.get(address, headers={"host": host}).status_code == 403
    assert_refused(client, host=host, origin=f"http://{host}")


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:9000", "LOCALHOST", "[::1]:8642"])
def test_names_of_loopback_are_its_own_at_any_port(client, host):
    headers = {"host": host, "cookie": "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)}
    assert client.get("/", headers=headers).status_code == 200
    with live(client, **headers | {"origin": f"http://{host.lower()}"}) as page:
        assert page.receive_json()["kind"] == "model"


def test_further_names_are_allowed_one_by_one(studio):
    app = make_app(studio, TOKEN, hosts=["Studio.example"])
    with TestClient(app, base_url="http://studio.example") as client:
        assert client.get(f"/?token={TOKEN}").status_code == 200
        assert client.get("/", headers={"host": "example"}).status_code == 403
        assert client.get("/", headers={"host": "x.studio.example"}).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_other_pages_cannot_ask(client, origin):
    assert client.get("/main.js", headers={"origin": origin}).status_code == 403
    assert_refused(client, origin=origin)


def test_a_websocket_and_changes_want_an_origin(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://{HOST}/live"):
        pass
    assert client.post("/").status_code == 403
    assert client.post("/", headers={"origin": ADDRESS}).status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unknown"])
def test_other_sites_may_open_the_page_and_nothing_else(client, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/main.js", headers=headers).status_code == 403
    for change in ({"sec-fetch-mode": "no-cors"}, {"sec-fetch-dest": "iframe"}):
        assert client.get("/", headers=headers | change).status_code == 403
    assert_refused(client, **{"sec-fetch-site": site, "sec-fetch-mode": "websocket"})


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/guard.py",
        "/web/main.js",
        "//etc/passwd",
        "/main.js/",
        "/main.js%00.css",
        "/index.html",
        "/..\\server.py",
    ],
)
def test_no_path_leads_out_of_the_page(client, path):
    assert client.get(path, follow_redirects=False).status_code in (404, 307)


def test_all_answers_have_the_headers_of_security(client):
    for address in ("/", "/main.js", "/nothing"):
        headers = client.get(address).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_the_page_is_small_and_asks_nobody_else():
    sizes = [path.stat().st_size for path in WEB_FOLDER.iterdir()]
    assert sum(sizes) < 120_000
    for path in WEB_FOLDER.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, path
        assert "style=" not in text and "eval(" not in text and "innerHTML" not in text, path
