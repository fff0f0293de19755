"""The package python-osc, imported when it is needed and not before."""

from __future__ import annotations

import importlib
from types import ModuleType

from puppet.errors import PuppetError, extra_needed

HOST = "127.0.0.1"
PORT = 39539  # on which receivers of VMC commonly listen


def load_osc(part: str) -> ModuleType:
    """The module `pythonosc.<part>`. Raises PuppetError where the package is missing."""
    with extra_needed("VMC needs the package python-osc", "osc"):
        return importlib.import_module(f"pythonosc.{part}")


def parse_port(text: str, about: str) -> int:
    """A UDP port. Raises PuppetError, beginning with `about`, for anything else."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise PuppetError(f"{about}: '{text}' is no port, give a number from 1024 to 65535, such as {PORT}")
