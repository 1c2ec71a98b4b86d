"""Results to Blender: image, material, UV map. Adds; never removes anything of the artist's."""
