"""The portrait, made ready once: framed, cut out, its background filled, its landmarks found or given."""
