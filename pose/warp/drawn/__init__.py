"""Drawn features painted into a drawn portrait, frame by frame."""
