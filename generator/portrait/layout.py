"""Shapes of the maps of a portrait. Without torch, because live use reads them in a process that has none."""

FRAMES_PER_LATENT = 4  # video frames in one latent frame
SPATIAL_FACTOR = 8  # pixels per latent cell, each way
WARP_CHANNELS = 4  # premultiplied RGBA
GUIDE_CHANNELS = 8
SEEN_FACE = 96  # pixels, the longer side of the largest face that our portrait models see

CANONICAL = slice(0, 3)  # guide channels of the canonical face position, 0 where there is no face
VALIDITY, INNER_MOUTH = 3, 4  # guide channels
