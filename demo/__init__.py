"""What `build.py demo` runs: Suzanne inside Blender, and a mesh file on the command line."""
