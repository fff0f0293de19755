"""Pictures for browsers on this machine: OBS's browser source with real transparency, and a plain viewer.

A stream is one endless HTTP response of raw frames, each with a short header, that the page reads with fetch() and
puts into a canvas. Raw, because on one machine a compressed frame costs more time than it saves.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from puppet.core.latest_value import LatestValue
from puppet.media.alpha import straight_alpha
from puppet.outputs.base import Output, Picture

# width, height, number of the frame: unsigned 32-bit, little-endian; then height x width straight RGBA bytes
HEADER = struct.Struct("<III")


@dataclass(eq=False)
class Client:
    """One open stream. Only the newest frame waits for it, so a slow browser loses frames and delays nobody."""

    framed: bool  # with the background
    frames: LatestValue[bytes] = field(default_factory=LatestValue)


class Browser(Output):
    """Encodes each picture once for all its clients. The server that they come to is `puppet.live.server`."""

    name = "browser"

    def __init__(self) -> None:
        self._clients: list[Client] = []
        self._number = 0

    @property
    def clients(self) -> int:
        return len(self._clients)

    def send(self, picture: Picture) -> None:
        self._number += 1
        clients = list(self._clients)
        for framed in (False, True):
            wanting = [client for client in clients if client.framed == framed]
            if wanting:
                frame = encoded(picture, framed, self._number)
                for client in wanting:
                    client.frames.put(frame)

    def close(self) -> None:
        for client in list(self._clients):
            client.frames.close()

    def join(self, framed: bool) -> Client:
        client = Client(framed)
        self._clients.append(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.remove(client)


def encoded(picture: Picture, framed: bool, number: int) -> bytes:
    image = picture.framed if framed else picture.person
    height, width = image.shape[:2]
    if not framed or picture.background.square is None:
        image = straight_alpha(image)
    return HEADER.pack(width, height, number & 0xFFFFFFFF) + image.tobytes()
