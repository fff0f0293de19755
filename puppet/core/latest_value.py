"""The only thing that lies between two stages: one place, and the newest item wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LatestValue(Generic[Item]):
    """Hands items from one thread to another; an item that was not taken in time is replaced by the next.

    `dropped` counts the replaced ones.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Never blocks. Ignored after `close`."""
        with self._changed:
            if self._closed:
                return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, timeout: float) -> Item | None:
        """The newest item, waited for at most `timeout` seconds; None where none came, or the slot was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wake whoever waits; nothing comes any more."""
        with self._changed:
            self._closed, self._item = True, None
            self._changed.notify_all()
