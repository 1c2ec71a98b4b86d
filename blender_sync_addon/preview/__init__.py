"""The texture on the mesh while it is made: drawn over the object in the 3D views, never in the file."""
