"""``python -m engine texture | serve | models | doctor``; ``python -I path/to/engine`` does the same."""

import sys
from pathlib import Path

if not __package__:  # run by path, e.g. under -I, where the current folder isn't searched
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.cli import main
from engine.terminal import print_any_path

if __name__ == "__main__":
    print_any_path()
    sys.exit(main())
