"""For scripts that run inside a Blender with a window: its 3D view, pictures of it, and steps in time."""

from __future__ import annotations

import json
import os
import subprocess
import time
import traceback
from pathlib import Path

import bpy
import numpy as np

SHOTS = Path(os.environ["SYNC_TEXTURE_SHOTS"])
HELD: dict[str, float] = {}
"""The longest time, in milliseconds, that each ``timed`` call took."""
WORK: dict[str, float] = {}
"""The same of the main thread's own time: what a busy machine adds isn't ours."""


def view() -> dict:
    """What temp_override takes for the first 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def space():
    return view()["area"].spaces.active


def panel_tab() -> None:
    """Our tab in the sidebar."""
    next(r for r in view()["area"].regions if r.type == "UI").active_panel_category = "Sync Texture"


def until(condition, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        yield 0.02


def timed(owner, name: str) -> None:
    """Have HELD and WORK keep the longest time that ``owner.name`` took."""
    inner = getattr(owner, name)

    def outer(*args, **options):
        start, work = time.perf_counter(), time.thread_time()
        try:
            return inner(*args, **options)
        finally:
            HELD[name] = max(HELD.get(name, 0.0), 1000 * (time.perf_counter() - start))
            WORK[name] = max(WORK.get(name, 0.0), 1000 * (time.thread_time() - work))

    setattr(owner, name, outer)


def times() -> dict:
    """HELD and WORK for ``run`` to tell."""
    pairs = {"held_ms": HELD, "work_ms": WORK}
    return {key: {name: round(ms, 2) for name, ms in found.items()} for key, found in pairs.items()}


def shoot(name: str) -> None:
    """Have the screen kept as NAME.png, soon: nothing waits for it."""
    subprocess.Popen(["import", "-window", "root", str(SHOTS / f"{name}.png")])


def photograph(name: str) -> np.ndarray:
    """The screen, kept as NAME.png: (H, W, 3) uint8, the first row at the top."""
    path = SHOTS / f"{name}.png"
    subprocess.run(["import", "-window", "root", str(path)], check=True)
    size = subprocess.check_output(["identify", "-format", "%w %h", str(path)], text=True)
    width, height = map(int, size.split())
    raw = subprocess.check_output(["convert", str(path), "-depth", "8", "rgb:-"])
    return np.frombuffer(raw, np.uint8).reshape(height, width, 3)


def in_view(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place of the 3D view, both from -1 to 1 within half its height, from its middle."""
    region = view()["region"]
    window = view()["window"]
    middle = region.x + region.width // 2, window.height - (region.y + region.height // 2)
    column, row = (round(m + k * region.height / 2) for m, k in zip(middle, (x, -y), strict=True))
    return tuple(int(value) for value in picture[row, column])


def run(script: dict, clean_up) -> None:
    """Have Blender's timer step through what ``script``, a module's globals, has for run.py, and quit.

    clean_up: what comes after each test unless the script has its own.
    """
    stepping = _steps(script, script.get("clean_up", clean_up))
    bpy.app.timers.register(lambda: next(stepping, None), first_interval=1.0, persistent=True)


def _steps(script: dict, clean_up):
    failed: list[str] = []
    yield from script.get("prepare", _pause)()
    for name, test in list(script.items()):
        if name.startswith("test_") and os.environ.get("ONLY", "") in name:
            yield from _step(name, test, failed)
            yield from _step(f"after {name}", clean_up, failed)
    print(json.dumps({"failed": failed, **script.get("told", dict)()}), flush=True)
    yield from script.get("last", _pause)()
    bpy.ops.wm.quit_blender()


def _step(name: str, step, failed: list[str]):
    """Go through the generator ``step``; ``name`` joins ``failed`` where it doesn't come to its end."""
    try:
        yield from step()
        print("ok    ", name, flush=True)
    except Exception:
        failed.append(name)
        print("FAILED", name, flush=True)
        traceback.print_exc()


def _pause():
    yield 0.1
