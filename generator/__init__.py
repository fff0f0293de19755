"""Causal video models that stream: an open implementation of AAPT (Lin et al. 2025, arXiv 2506.09350)."""
