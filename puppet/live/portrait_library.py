"""The portraits that can be changed to while the stream runs: the first ones before it begins, others beside it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from puppet.core.character import Character
from puppet.core.memory import return_freed_memory
from puppet.errors import PuppetError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
KEPT = 6  # prepared characters, so that a change is immediate


class PortraitLibrary:
    """Pictures of one folder, in the order of their names. The folder is read anew at every change.

    ready(character) is called from another thread as soon as one is prepared; failed(line) where that is not possible.
    """

    def __init__(
        self,
        first: Path,
        folder: Path | None,
        load: Callable[[Path], Character],
        ready: Callable[[Character], None],
        failed: Callable[[str], None],
    ):
        self.folder = folder
        self._load, self._ready, self._failed = load, ready, failed
        self._lock = threading.Lock()
        self._prepared: OrderedDict[tuple, Character] = OrderedDict()
        self._wanted = first
        self._thread: threading.Thread | None = None

    def prepare(self) -> Character:
        """The first character, and those next to it in the folder, so that the memory that preparing takes is taken
        now.

        Raises PuppetError where the first one cannot be used, or the folder cannot be read. Another one that cannot be
        used is told as it is when it is wanted.
        """
        others = [] if self.folder is None else self.pictures()
        first = self._fetch(self._wanted)
        names = [path.name for path in others]
        at, count = names.index(self._wanted.name) if self._wanted.name in names else -1, len(names)
        for index in sorted(range(count), key=lambda index: min((index - at) % count, (at - index) % count))[:KEPT]:
            with suppress(Exception):  # said by _work
                self._fetch(others[index])
        return first

    @property
    def prepared(self) -> list[Character]:
        """What a change to is immediate."""
        return list(self._prepared.values())

    def pictures(self) -> list[Path]:
        """What can be changed to. Raises PuppetError where the folder cannot be read or holds no picture."""
        if self.folder is None:
            raise PuppetError("there is no other portrait: give a folder of them with --portraits")
        try:
            found = sorted(path for path in self.folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            raise PuppetError(f"the folder of portraits {self.folder} cannot be read ({error.strerror})") from error
        if not found:
            raise PuppetError(f"the folder of portraits {self.folder} holds no picture ({', '.join(SUFFIXES)})")
        return found

    def step(self, by: int) -> None:
        """The next picture (1) or the one before (-1), round and round."""
        pictures = self.pictures()
        names = [path.name for path in pictures]
        at = names.index(self._wanted.name) if self._wanted.name in names else -1 if by > 0 else 0
        self._want(pictures[(at + by) % len(pictures)])

    def number(self, number: int) -> None:
        """The nth picture, from 1."""
        pictures = self.pictures()
        if not 1 <= number <= len(pictures):
            raise PuppetError(f"there is no portrait {number}: {self.folder} holds {len(pictures)}")
        self._want(pictures[number - 1])

    def _want(self, path: Path) -> None:
        with self._lock:
            self._wanted = path
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="library", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        """Prepare what is wanted, until nothing newer is."""
        while True:
            path = self._wanted
            try:
                self._ready(self._fetch(path))
            except PuppetError as error:
                self._failed(str(error))
            except Exception as error:
                self._failed(f"portrait {path} cannot be used ({type(error).__name__}: {error})")
            with self._lock:
                if self._wanted == path:
                    self._thread = None
                    return

    def _fetch(self, path: Path) -> Character:
        key = (path.resolve(), path.stat().st_mtime_ns if path.exists() else 0)
        if key not in self._prepared:
            self._prepared[key] = self._load(path)
            return_freed_memory()
        self._prepared.move_to_end(key)
        while len(self._prepared) > KEPT:
            self._prepared.popitem(last=False)
        return self._prepared[key]
