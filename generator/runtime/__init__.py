"""Speed as wrappers around the plain model: precision and compilation.  The eager float32 model is always valid."""
