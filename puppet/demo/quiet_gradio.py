"""Gradio, told before it is imported to call nobody. The rest of the package takes it from here."""

from __future__ import annotations

import inspect
import os

from puppet.errors import extra_needed

os.environ["GRADIO_ANALYTICS_ENABLED"] = "0"
# or it would ask a proxy for its own page
os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]))

with extra_needed("puppet demo needs Gradio", "demo"):
    import gradio

__all__ = ["gradio", "known"]


def known(function, **options) -> dict:
    """Those of the options that this version of Gradio has at `function`; the look moved between 5 and 6."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in parameters}
