"""The local HTTP server: pages and streams of the browser output, and the commands.

It listens on 127.0.0.1 only and answers no other website: a page from elsewhere that is open in a browser of this
machine can neither see the pictures nor press the buttons.

    GET  /                  OBS's browser source: the person on nothing
    GET  /view              a viewer with buttons
    GET  /stream/person     the frames behind them, with real transparency
    GET  /stream/picture    ... over the chosen background
    GET  /state             what is on, and the figures, as JSON
    POST /command/NAME      carry a command out, also by GET, which is all that some remote controls can do
"""

from __future__ import annotations

import json
import socket
import threading
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

from puppet.errors import PuppetError, port_reported
from puppet.live.controls import Controls
from puppet.outputs.browser import Browser

HOST = "127.0.0.1"
MOST_STREAMS = 16
STUCK_SECONDS = 10.0  # after which a browser that takes nothing is let go
SEND_BUFFER = 1 << 19  # bytes that the system may hold back for a slow browser; more would be delay
PAGES = {
    "/": ("source.html", "text/html; charset=utf-8"),
    "/view": ("view.html", "text/html; charset=utf-8"),
    "/stream.js": ("stream.js", "text/javascript; charset=utf-8"),
}
STREAMS = {"/stream/person": False, "/stream/picture": True}


class Server:
    """Serves until it is closed. port 0 takes any free one; `port` is the real one.

    browser: None where only commands are wanted. state(): what /state answers.
    """

    def __init__(self, port: int, browser: Browser | None, controls: Controls, state: Callable[[], dict]):
        handler = type("Handler", (_Handler,), {"browser": browser, "controls": controls, "state": staticmethod(state)})
        with port_reported(port, f"port {port} of this machine", "give --port another"):
            self._server = _Threads((HOST, port), handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="server", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request, client_address) -> None:
        pass  # a browser that went away is no error


class _Handler(BaseHTTPRequestHandler):
    browser: Browser | None
    controls: Controls
    state: Callable[[], dict]
    timeout = STUCK_SECONDS

    def do_GET(self) -> None:
        if not self._welcome():
            return
        path = urllib.parse.urlsplit(self.path).path
        if path in PAGES and (self.browser is not None or path == "/stream.js"):
            name, kind = PAGES[path]
            self._answer((resources.files("puppet.outputs") / "pages" / name).read_bytes(), kind)
        elif path in STREAMS and self.browser is not None:
            self._stream(STREAMS[path])
        elif path == "/state":
            self._json(self.state())
        elif path.startswith("/command/"):
            self.do_POST()
        else:
            self._json({"error": f"there is nothing at {path}"}, HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if not self._welcome():
            return
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if not path.startswith("/command/"):
            self._json({"error": f"there is nothing at {path}"}, HTTPStatus.NOT_FOUND)
            return
        try:
            self._json({"done": self.controls.run(path.removeprefix("/command/").replace("/", " "))})
        except PuppetError as error:
            self._json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _welcome(self) -> bool:
        """Whether the request comes from this machine's own pages or programs and not from some website."""
        host = urllib.parse.urlsplit("//" + self.headers.get("Host", "")).hostname
        origin = self.headers.get("Origin")
        own = origin is None or urllib.parse.urlsplit(origin).netloc == self.headers.get("Host")
        site = self.headers.get("Sec-Fetch-Site", "none")
        page = urllib.parse.urlsplit(self.path).path in PAGES  # may be linked to
        navigation = page and self.headers.get("Sec-Fetch-Mode") == "navigate"
        if host in (HOST, "localhost") and own and (site in ("none", "same-origin") or navigation):
            return True
        self._json({"error": "other websites may not use this"}, HTTPStatus.FORBIDDEN)
        return False

    def _stream(self, framed: bool) -> None:
        if self.browser.clients >= MOST_STREAMS:
            self._json({"error": f"{MOST_STREAMS} streams are open already"}, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._head("application/octet-stream")
        client = self.browser.join(framed)
        try:
            while (frame := client.frames.take(STUCK_SECONDS)) is not None:
                self.wfile.write(frame)
        except OSError:
            pass  # closed, or stuck for too long
        finally:
            self.browser.leave(client)

    def _json(self, content: dict, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._answer(json.dumps(content).encode(), "application/json", status)

    def _answer(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._head(kind, status, len(content))
        self.wfile.write(content)

    def _head(self, kind: str, status: HTTPStatus = HTTPStatus.OK, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.path.startswith("/view"):  # its buttons must not lie unseen under another website's
            self.send_header("Content-Security-Policy", "frame-ancestors 'self'")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args) -> None:
        pass
