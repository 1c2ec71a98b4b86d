"""``python -m engine.options FILE``: write the page of all options."""

import argparse
from pathlib import Path

from .page import page

parser = argparse.ArgumentParser(description="Write the page of all options.")
parser.add_argument("file", type=Path)
parser.parse_args().file.write_text(page() + "\n", encoding="utf-8")
