"""The errors that a user can cure."""

from __future__ import annotations


class PortraitError(ValueError):
    """A picture that cannot be brought to life; the message names the cause and the cure."""


class NoFaceError(PortraitError):
    """A picture in which no face was found: its points can be marked."""
