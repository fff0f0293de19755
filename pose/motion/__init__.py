"""Motion: neutral moments, expressions, and the way from one person's pose to another's."""
