"""Pictures of a view that steer the denoiser: depth, positions, normals, lines."""
