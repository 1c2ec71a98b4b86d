"""Runs cases that it is told of: ``python -m tests.bench.fuzz.runner SHARED``, "KIND SEED FOLDER" a line on
stdin, an outcome a line on stdout. It has everything imported; each case is forked from it."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.bench.fuzz import isolated, watch
from tests.bench.fuzz.case import Case
from tests.bench.fuzz.watch import Limits

PACKAGE = "tests.bench.fuzz.kinds"


def main(shared: Path) -> None:
    watch.adopt_orphans()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    ready: dict[str, Any] = {}
    for line in sys.stdin:
        kind, seed, folder = line.rstrip("\n").split(" ", 2)
        if kind not in ready:
            ready[kind] = importlib.import_module(f"{PACKAGE}.{kind}")
            ready[kind].prepare(shared)
        case = Case(kind, int(seed), Path(folder), shared)
        outcome = isolated.run(ready[kind], case, Limits())
        print(json.dumps(outcome.as_dict()), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
