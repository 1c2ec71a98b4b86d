"""Depth pictures that condition the denoiser."""
