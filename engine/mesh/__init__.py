"""Meshes: loading, validating, unwrapping, the coordinate frame."""
