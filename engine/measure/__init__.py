"""How good a texture is: coverage, agreement, seams, fine detail."""
