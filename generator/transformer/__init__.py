"""The causal diffusion transformer: tokens, positions, attention and its cache. It knows no codec and no control."""
