"""Signals that end a program: Ctrl-C, SIGTERM and a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def end_on_signals(end: Callable[[], None]) -> Iterator[None]:
    """Within the block these signals call `end` alone. Without effect outside the main thread, which owns them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = [signal.signal(kind, lambda *_: end()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def leave_terminal_signals_to_parent() -> None:
    """In a child process: the parent ends it in order."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
