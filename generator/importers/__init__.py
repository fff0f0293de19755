"""Weights that others published -> this engine's files: name tables, strict loads, one tensor in memory at a time."""
