"""Who comes first where programs share the cores: the picture before the game, the game before the appearance."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

FIRST = -10  # niceness of what makes pictures, as sound servers ask for; it needs a part of one core
LAST = 5  # niceness of the generator: beside a game appearance may age, and motion may not
ABOVE_NORMAL = 0x8000  # ABOVE_NORMAL_PRIORITY_CLASS of Windows' processthreadsapi.h


def take_precedence() -> None:
    """Let this thread, and those that it starts from now on, come before other programs, where the system allows it:
    Windows does, Linux where limits.conf or systemd has such a limit of niceness for the user, macOS does not."""
    if sys.platform == "win32":
        import ctypes

        windows = ctypes.windll.kernel32
        windows.SetPriorityClass(windows.GetCurrentProcess(), ABOVE_NORMAL)
    else:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, min(FIRST, os.getpriority(os.PRIO_PROCESS, 0)))


def give_way() -> None:
    """Let this process come after other programs."""
    if hasattr(os, "nice"):
        os.nice(LAST)
