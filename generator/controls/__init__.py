"""Controls: a signal -> what the transformer sees of it."""
