"""What is painted on: the mesh in front of its views, and the maps between views and texels."""
