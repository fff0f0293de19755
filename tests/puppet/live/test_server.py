"""The local HTTP server, as a browser, a remote control and a foreign website see it."""

import http.client
import json
import socket
import threading
import urllib.request

import numpy as np
import pytest

from puppet.errors import PuppetError
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.sender import Sender
from puppet.live.server import HOST, Server
from puppet.live.session import still
from puppet.live.statistics import Statistics
from puppet.outputs.browser import HEADER, Browser
from tests.puppet.live.stand_ins import make_character, wait_until


class FakeCommands:
    def __init__(self):
        self.ran = []

    def run(self, name):
        if name == "bad":
            raise PuppetError("unknown command 'bad'")
        self.ran.append(name)
        return f"did {name}"


@pytest.fixture
def served():
    """A sender that sends one still person to a browser output, and its server."""
    browser, commands = Browser(), FakeCommands()
    sender = Sender(still(make_character()), BufferedFrames(Statistics(), AdaptiveQuality(1 / 24)), Statistics(), print)
    sender.add(browser)
    server = Server(0, browser, commands, lambda: {"fps": 24.0})
    sender.start()
    server.browser, server.commands, server.sender = browser, commands, sender
    yield server
    server.close()
    sender.close()


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def open_stream(server, path):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
    connection.request("GET", path)
    return connection, connection.getresponse()


def read_frame(answer):
    width, height, number = HEADER.unpack(answer.read(HEADER.size))
    return np.frombuffer(answer.read(width * height * 4), np.uint8).reshape(height, width, 4), number


def test_pages_and_state(served):
    for path, word in (("/", b"/stream/person"), ("/view", b"/stream/picture"), ("/stream.js", b"ImageData")):
        status, content = ask(served, path)
        assert status == 200 and word in content
    assert json.loads(ask(served, "/state")[1]) == {"fps": 24.0}
    assert ask(served, "/nothing")[0] == 404 and ask(served, "/../secret")[0] == 404


def test_the_source_stream_is_transparent_and_the_viewers_is_not(served):
    connection, answer = open_stream(served, "/stream/person")
    first, number = read_frame(answer)
    _, later = read_frame(answer)
    assert later > number and first.shape == (64, 64, 4)
    assert (first[0, 0] == 0).all() and tuple(first[32, 32]) == (90, 90, 90, 255)
    connection.close()
    connection, answer = open_stream(served, "/stream/picture")
    assert (read_frame(answer)[0][..., 3] == 255).all()
    connection.close()


def test_twenty_killed_clients_leave_nothing_behind(served):
    for _ in range(20):
        client = socket.create_connection((HOST, served.port))
        client.sendall(f"GET /stream/person HTTP/1.1\r\nHost: {HOST}:{served.port}\r\n\r\n".encode())
        assert client.recv(1000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # reset, no goodbye
        client.close()
    wait_until(lambda: served.browser.clients == 0)
    wait_until(lambda: not [t for t in threading.enumerate() if "process_request_thread" in t.name])


def test_a_client_that_reads_nothing_delays_nobody(served):
    stuck = socket.create_connection((HOST, served.port))
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(f"GET /stream/person HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    wait_until(lambda: served.browser.clients == 1)
    connection, answer = open_stream(served, "/stream/person")
    numbers = [read_frame(answer)[1] for _ in range(12)]
    assert numbers == sorted(numbers)
    connection.close()
    stuck.close()


def test_closing_ends_open_streams():
    browser = Browser()
    sender = Sender(still(make_character()), BufferedFrames(Statistics(), AdaptiveQuality(1 / 24)), Statistics(), print)
    sender.add(browser)
    server = Server(0, browser, FakeCommands(), dict)
    sender.start()
    connection, answer = open_stream(server, "/stream/person")
    read_frame(answer)
    server.close()
    sender.close()
    assert len(answer.read()) < 10_000_000  # it ends
    with pytest.raises(OSError):
        socket.create_connection((HOST, server.port), timeout=2)


def test_commands_by_post_and_get(served):
    assert json.loads(ask(served, "/command/blank", "POST")[1]) == {"done": "did blank"}
    assert json.loads(ask(served, "/command/portrait/2")[1]) == {"done": "did portrait 2"}
    assert json.loads(ask(served, "/command/portrait%203", "POST")[1]) == {"done": "did portrait 3"}
    status, content = ask(served, "/command/bad", "POST")
    assert status == 400 and "unknown command" in json.loads(content)["error"]
    assert served.commands.ran == ["blank", "portrait 2", "portrait 3"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},  # a name that was made to point to this machine
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
def test_other_websites_cannot_press_buttons(served, headers):
    for method in ("GET", "POST"):
        assert ask(served, "/command/quit", method, **headers)[0] == 403
    assert served.commands.ran == []


def test_a_page_may_be_framed_or_linked_to_but_not_read_from_elsewhere(served):
    assert ask(served, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    for mode in ("cors", "navigate"):  # a frame with a stream in it would be a download without end
        assert ask(served, "/stream/person", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)[0] == 403
    with urllib.request.urlopen(f"http://{HOST}:{served.port}/view") as answer:
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert ask(served, "/command/blank", "POST", Origin=f"http://{HOST}:{served.port}",
               Sec_Fetch_Site="same-origin")[0] == 200  # fmt: skip


def test_without_a_browser_output_there_are_only_commands(served):
    server = Server(0, None, FakeCommands(), dict)
    assert ask(server, "/")[0] == 404 and ask(server, "/stream/person")[0] == 404
    assert ask(server, "/command/blank", "POST")[0] == 200
    server.close()


def test_a_port_that_cannot_be_had_is_one_line(served):
    with pytest.raises(PuppetError, match=f"port {served.port} .* --port another"):
        Server(served.port, None, FakeCommands(), dict)
    with pytest.raises(PuppetError, match="no port 99999"):
        Server(99999, None, FakeCommands(), dict)
