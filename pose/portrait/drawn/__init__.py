"""Drawn portraits: what of them is eye, mouth and brow, taken apart into layers once."""
