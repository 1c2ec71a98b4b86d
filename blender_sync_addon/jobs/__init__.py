"""One texturing job as seen from Blender, without bpy: its folder, the engine process, its state."""
