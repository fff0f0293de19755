"""How the C library keeps memory: without care, a stream grows by hundreds of MiB with the portraits that it wears."""

from __future__ import annotations

import ctypes
import sys

ARENAS = 2
_M_ARENA_MAX = -8  # of glibc's malloc.h


def keep_memory_together() -> None:
    """Let all threads share two heaps. Every portrait is prepared in a thread of its own, with networks of its own; by
    default each such thread gets a heap that never shrinks again. Without effect where the C library is not glibc."""
    limit = _of_glibc("mallopt")
    if limit is not None:
        limit(_M_ARENA_MAX, ARENAS)


def return_freed_memory() -> None:
    """Give what was freed back to the system. Without effect where the C library is not glibc."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str):
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
