"""What build.py is made of. Standard library only, so that a clean clone needs nothing but Python."""
