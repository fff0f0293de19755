"""Keeps the start-up chatter of native libraries off stderr, and nothing else.

MediaPipe's C++ side writes information and warnings about its own graphs straight to file descriptor 2. No setting of
the library silences them, so for the length of a call the descriptor is pointed at a temporary file, and afterwards
every line that is not such chatter is written where it belongs.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

# glog's and absl's prefix of information (I) and warnings (W), and two lines that come without one.
CHATTER = re.compile(
    rb"^([IW]\d{4} \d\d:\d\d:|INFO: Created TensorFlow Lite|WARNING: All log messages before absl::InitializeLog)"
)
_REDIRECTION = threading.Lock()  # the descriptor belongs to the process, so only one thread may move it


@contextlib.contextmanager
def quiet_native_log() -> Iterator[None]:
    """While the block runs, drop native information and warnings from stderr; errors and all other lines come out."""
    with _REDIRECTION:
        try:
            sys.stderr.flush()
            original = os.dup(2)
        except (OSError, ValueError, AttributeError):  # a process without stderr has nothing to keep quiet
            original = None
        if original is None:
            yield
            return
        with tempfile.TemporaryFile() as caught:
            os.dup2(caught.fileno(), 2)
            try:
                yield
            finally:
                with contextlib.suppress(OSError, ValueError):
                    sys.stderr.flush()
                os.dup2(original, 2)
                os.close(original)
                caught.seek(0)
                kept = b"".join(line for line in caught if not CHATTER.match(line))
                if kept:
                    os.write(2, kept)
