"""``python -I -S path/to/engine/client FOLDER COMMAND...``: guards a program; see guard.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.client.guard import main

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
