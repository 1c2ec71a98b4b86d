"""What buttons do, and the properties that they read."""
