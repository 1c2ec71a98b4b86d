"""The least that a batch takes for an engine: ``python small_engine.py serve``. Every job works at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FILES = ("texture.png", "mesh.glb", "views.png", "turntable.gif", "report.json")


def say(kind: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **fields}) + "\n")
    sys.stdout.flush()


def main() -> None:
    say("hello", version="0.1.0", protocol=1, pid=0)
    for line in sys.stdin:
        job = json.loads(line)
        if job["kind"] != "job":
            continue
        out = Path(job["request"]["out"])
        say("started", id=job["id"])
        for name in FILES:
            (out / name).write_text('{"coverage": 0.5, "seam_error": 1.25, "view_psnr": 20.0}')
        texture, mesh, views, turntable, report = (str(out / name) for name in FILES)
        result = {"texture": texture, "mesh": mesh, "views": views, "turntable": turntable, "report": report}
        say("done", id=job["id"], result={**result, "uvs": None, "warnings": ["=1+1", "\x1b[31mred"]})


if __name__ == "__main__":
    main()
