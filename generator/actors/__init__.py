"""Synthetic actors: rendered people with exact landmarks and alpha, the footage the shipped weights are trained on."""
