"""What only a portrait needs, as wrappers around the plain engine: maps, stem, trunk, surroundings, window, scale."""
