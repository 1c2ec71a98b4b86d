"""Baking, filling and saving the texture."""
