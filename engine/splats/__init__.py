"""Gaussian splats: their files, and what a camera sees of them."""
