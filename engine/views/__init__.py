"""Cameras, view prompts, rasterising and visibility."""
