"""Words of the command line, for several tests."""

from __future__ import annotations

from pathlib import Path


def arguments(mesh: Path, model: Path, out: Path, /, **more: object) -> list[str]:
    options = {"mesh": mesh, "model": model, "out": out, "prompt": "red bricks", "steps": 2, "views": 6}
    options |= {"texture_size": 128, **more}
    named = [(f"--{key.replace('_', '-')}", str(value)) for key, value in options.items()]
    return ["texture", *(word for pair in named for word in pair)]
