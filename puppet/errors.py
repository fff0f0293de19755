"""The one exception that the application shows to its user."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PuppetError(Exception):
    """What went wrong and what to do about it, in one line. The command line prints it and exits with 1."""


@contextmanager
def reported_as_puppet_error(*kinds: type[Exception], about: str = "") -> Iterator[None]:
    """Turn exceptions of the given kinds, raised by `pose` and `generator` for bad input, into a `PuppetError`."""
    try:
        yield
    except kinds as error:
        raise PuppetError(f"{about}: {error}" if about else str(error)) from error


@contextmanager
def extra_needed(what: str, extra: str) -> Iterator[None]:
    """The same around the import of an optional package. what: "NAME needs PACKAGE"."""
    try:
        yield
    except ImportError as error:
        raise PuppetError(f"{what}, which cannot be imported ({error}): pip install 'puppet-live[{extra}]'") from error


@contextmanager
def port_reported(port: int, place: str, cure: str) -> Iterator[None]:
    """The same for what goes wrong where a port is opened. place: "port 80 of this machine"; cure: what to do else than
    to end the other program."""
    try:
        yield
    except OverflowError as error:
        raise PuppetError(f"there is no port {port}: give a number from 1024 to 65535") from error
    except OSError as error:
        reason = error.strerror or error
        raise PuppetError(f"{place} cannot be used ({reason}): end the program that has it, or {cure}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint `; did you mean X?` when `word` is close to a known one, else an empty string."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else ""
