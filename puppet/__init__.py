"""Puppet: one portrait in, a living person out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from puppet.errors import PuppetError

if TYPE_CHECKING:
    from puppet.core.puppet import Puppet

__all__ = ["Puppet", "PuppetError"]


def __getattr__(name: str):
    # torch takes seconds to import, and `puppet --help` must not wait for it.
    if name == "Puppet":
        from puppet.core.puppet import Puppet

        return Puppet
    raise AttributeError(f"module 'puppet' has no attribute {name!r}")
