"""``python -I -S path/to/engine/client FOLDER [COMMAND...]``: guards a folder, or a program; see guard.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.client.guard import keep, main

if __name__ == "__main__":
    if len(sys.argv) == 2:
        keep(sys.argv[1])
    else:
        main(sys.argv[1], sys.argv[2:])
