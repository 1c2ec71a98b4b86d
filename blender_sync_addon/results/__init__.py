"""What was made of an object: recorded, shown again, taken back, made again, put into materials."""
