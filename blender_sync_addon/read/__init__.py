"""Blender to arrays and requests. Nothing here changes the scene."""
