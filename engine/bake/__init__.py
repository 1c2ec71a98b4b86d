"""From finished views to texels: baking, filling, textures from before."""
