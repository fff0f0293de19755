"""The errors that a user can cure."""

from __future__ import annotations


class PortraitError(ValueError):
    """A picture that cannot be brought to life; the message names the cause and the cure."""
