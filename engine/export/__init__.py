"""Results on disk: textures, meshes, pictures for people, report."""
