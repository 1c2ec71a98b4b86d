"""Files of pictures: PNG and OpenEXR."""
