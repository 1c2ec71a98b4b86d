"""One texturing job as seen from Blender: what is read, the engine that does it, its state, what it made."""
