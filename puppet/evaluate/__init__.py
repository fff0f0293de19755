"""Measuring how well a portrait is driven: against the driver itself, against baselines, and over minutes."""
