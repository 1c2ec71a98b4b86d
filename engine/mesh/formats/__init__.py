"""A reader for each kind of mesh file. Each trusts nothing that a file says of itself."""
