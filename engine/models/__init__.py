"""Which models there are: find, download, verify, link and describe them."""
