"""Memory of this process, and of the C library: a stream must not grow with every portrait that it shows."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ARENAS = 2
_M_ARENA_MAX = -8  # of glibc's malloc.h


def keep_memory_together() -> None:
    """Let all threads share two heaps. Every portrait is prepared in a thread of its own, with networks of its own; by
    default each such thread gets a heap that never shrinks again. Without effect where the C library is not glibc."""
    _call_glibc("mallopt", _M_ARENA_MAX, ARENAS)


def return_freed_memory() -> None:
    """Give what was freed back to the system. Without effect where the C library is not glibc."""
    _call_glibc("malloc_trim", 0)


@contextmanager
def spared_from_collection() -> Iterator[None]:
    """Let Python's garbage collector pass over all that there is now, which a search through a hundred thousand objects
    would find in use, while every thread stands still for three pictures' time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _call_glibc(name: str, *numbers: int) -> None:
    if sys.platform.startswith("linux") and (function := getattr(ctypes.CDLL(None), name, None)):
        function(*numbers)


def resident_mib(pid: int | None = None) -> float | None:
    """Memory of this process or of another; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except OSError:
        pass
    if pid is not None or sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
