"""Who comes first where programs share the cores: the picture before the game, the game before the appearance."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

FIRST = -10  # niceness of what makes pictures, as sound servers ask for; it needs a part of one core
LAST = 5  # niceness of the generator: beside a game appearance may age, and motion may not
ABOVE_NORMAL = 0x8000  # ABOVE_NORMAL_PRIORITY_CLASS of Windows' processthreadsapi.h


@contextmanager
def precedence() -> Iterator[None]:
    """Let this thread, and those that it starts meanwhile, come before other programs, where the system allows it:
    Windows does; Linux where the user may have such a niceness (limits.conf, systemd); macOS does not."""
    if sys.platform == "win32":
        import ctypes

        windows = ctypes.windll.kernel32
        process = windows.GetCurrentProcess()
        before, first = windows.GetPriorityClass(process), ABOVE_NORMAL
        change = partial(windows.SetPriorityClass, process)
    else:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        first, change = min(FIRST, before), partial(os.setpriority, os.PRIO_PROCESS, 0)
    with suppress(OSError):
        change(first)
    try:
        yield
    finally:
        change(before)


def give_way() -> None:
    """Let this process come after other programs."""
    if hasattr(os, "nice"):
        os.nice(LAST)
