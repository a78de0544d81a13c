"""Everything that touches the world: cameras, files, models, the gallery."""
