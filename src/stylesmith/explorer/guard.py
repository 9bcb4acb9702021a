"""The guard of the explorer: which requests a local server answers, for http and websocket alike.

Any page in the user's browser, and any user of the machine, can send requests to a local server.
So three things are checked: the name in Host, since foreign names can point here; Origin and
Sec-Fetch-Site, since other pages can ask; and a token, first in the address, then in a cookie.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
PAGE_PATH = "/"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """ASGI middleware that answers refused requests itself, and gives all answers the headers."""

    def __init__(self, app: ASGIApp, token: str, hosts: Iterable[str] = ()):
        """Guard an app.

        Args:
            app: What is guarded.
            token: What the browser must show.
            hosts: Names that Host may hold beside those of loopback.
        """
        self.app, self.token = app, token
        self.hosts = {*LOOPBACK_NAMES, *(host.lower() for host in hosts)}
        self.cookie = f"stylesmith-{sha256(token.encode()).hexdigest()[:8]}"
        """Name of the cookie; cookies ignore ports, so servers need names of their own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self.problem(scope, headers)
        if problem and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": problem})
            return
        app = PlainTextResponse(f"{problem}\n", 403) if problem else self.app
        await app(scope, receive, self._with_headers(scope, headers, send, welcome=not problem))

    def problem(self, scope: Scope, headers: Headers) -> str | None:
        """Why a request is refused; None if it is not."""
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, ":", "")
        name = name or port
        if name not in self.hosts:
            return "refused: this address is not one of the explorer's; --allow-host adds a name"
        if not self._is_own_origin(scope, headers, host):
            return "refused: the request comes from another page"
        if not self._has_token(scope, headers):
            return "refused: open the address that `stylesmith explore` printed, with its token"
        return None

    def _is_own_origin(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Whether the page that asks is the explorer's, as far as the browser says."""
        opens_page = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and scope["path"] == PAGE_PATH
            and headers.get("sec-fetch-mode", "navigate") == "navigate"
            and headers.get("sec-fetch-dest", "document") == "document"
        )
        site = headers.get("sec-fetch-site", "same-origin")
        if site not in ("same-origin", "none") and not opens_page:
            return False
        origins = headers.getlist("origin")
        if not origins:
            return scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        scheme, _, rest = origins[0].lower().partition("://")
        return len(origins) == 1 and scheme in ("http", "https") and rest == host

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        shown = _query_token(scope) if _is_page(scope) else None
        for text in headers.getlist("cookie"):
            try:
                cookie = SimpleCookie(text).get(self.cookie)
            except CookieError:
                continue
            shown = cookie.value if cookie and shown is None else shown
        return shown is not None and hmac.compare_digest(shown.encode(), self.token.encode())

    def _with_headers(self, scope: Scope, headers: Headers, send: Send, *, welcome: bool) -> Send:
        """Add the headers of security, and the cookie to the answer that opens the page."""
        added = dict(SECURITY_HEADERS)
        if welcome and _is_page(scope) and _query_token(scope):
            added["Set-Cookie"] = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(key.lower().encode(), text.encode()) for key, text in added.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        return send_with_headers


def _is_page(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == PAGE_PATH)


def _query_token(scope: Scope) -> str | None:
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
