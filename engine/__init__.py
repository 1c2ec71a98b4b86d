"""The texturing engine: a process of its own, torch inside, Blender never."""
