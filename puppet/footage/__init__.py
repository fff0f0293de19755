"""Training clips: how they are written, and the faults of real footage imitated."""
