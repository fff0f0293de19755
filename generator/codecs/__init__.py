"""Codecs: video frames <-> latent frames, offline and one latent frame at a time."""
