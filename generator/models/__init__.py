"""Models by name: one file a family. `get_model("pocket")` is the shipped one; `tiny` is for tests."""

from .registry import MODELS, get_model

__all__ = ["MODELS", "get_model"]
