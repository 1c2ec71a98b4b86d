"""How fast the interface is, in a real Blender with a window: `build.py bench ui [--model NAME|DIR]`.

Drawing the panel, the timer's tick while a texture is made, reading a mesh of 200,000 faces, and the first
preview. What is ours is counted in the main thread's own time: what a busy machine adds isn't ours, and is
shown beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import blender

SCRIPT = Path(__file__).with_name("cases") / "ui_in_window.py"
RUN = SCRIPT.parents[2] / "gui/run.py"
FACES = 200_000
TARGETS = {"panel": 1.0, "tick": 10.0, "read": 500.0}  # milliseconds
FIRST = 0.20  # of the run
ROWS = {
    "panel": "drawing all of the panel, every part open",
    "tick": "the longest tick while a texture is made",
    "read": f"reading a mesh of {FACES:,} faces",
}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="build.py bench ui", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter")
    options = parser.parse_args(arguments)
    found = blender.find()
    if found is None:
        print("no real Blender: set BLENDER to its executable", file=sys.stderr)
        return 2
    measured = measure(found, options.model)
    print(table(measured))
    return 0 if not missed(measured) else 1


def measure(executable: Path, model: str) -> dict[str, float]:
    """What the script in the window found. Raises RuntimeError when it doesn't come to its end."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "BLENDER_USER_RESOURCES": folder, "SYNC_TEXTURE_SHOTS": folder}
        env |= {"SYNC_TEXTURE_MODEL": model, "SYNC_TEXTURE_FACES": str(FACES)}
        env.setdefault("SYNC_TEXTURE_PYTHON", sys.executable)
        command = [str(executable), "--factory-startup", "--python", str(RUN), "--", str(SCRIPT)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=1800)
    values: dict[str, float] = {}
    for line in done.stdout.splitlines():
        if line.startswith('{"measured"'):
            values |= json.loads(line)["measured"]
    if "load" not in values:
        raise RuntimeError((done.stdout + done.stderr)[-4000:])
    return values


def missed(measured: dict[str, float]) -> list[str]:
    """The targets that were."""
    slow = [name for name, target in TARGETS.items() if measured[name] >= target]
    return [*slow, *(engine for engine in ("cold", "warm") if measured[engine] > FIRST)]


def table(measured: dict[str, float]) -> str:
    """The figures beside their targets."""
    lines = [f"{'':44} {'own time':>10} {'waited':>10} {'target':>10}"]
    for name, target in TARGETS.items():
        own, wall = measured[name], measured[f"{name}_wall"]
        lines.append(f"{ROWS[name]:44} {own:7.2f} ms {wall:7.1f} ms {'<':>4}{target:>3.0f} ms")
    for name, words in (("cold", "of a new engine"), ("warm", "of a warm engine")):
        target = f"<= {FIRST:.0%}"
        seconds, what = f"{measured[f'{name}_s']:.0f} s", f"first preview, share of the run {words}"
        lines.append(f"{what:44} {measured[name]:10.1%} {seconds:>10} {target:>10}")
    lines.append(f"Blender {measured['blender']}, load of the machine {measured['load']:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
