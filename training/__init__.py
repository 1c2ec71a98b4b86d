"""How the starter model was made: pictures, networks, training and export. See README.md."""
