"""Run a script of tests in a Blender window: ``blender --python run.py -- SCRIPT``.

The add-on is the one installed in Blender's profile, or else this checkout's. SCRIPT has tests, named
test_..., in the order in which they run: generators of pauses in seconds. So are ``prepare`` (before them),
``clean_up`` (after each; by default a job that runs is cancelled) and ``last``, where the script has them.
``told`` gives what is printed, with the names of the tests that failed, as a line of JSON.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import bpy

SCRIPT = Path(sys.argv[-1]).resolve()
TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(folder) for folder in (SCRIPT.parent, TESTS / "gui", TESTS / "blender")]

import artist  # noqa: E402
import driver  # noqa: E402
import helper  # noqa: E402

bpy.context.preferences.view.show_splash = False
if not any(name.endswith(".sync_texture") for name in bpy.context.preferences.addons.keys()):  # noqa: SIM118
    helper.enable()
driver.run(vars(importlib.import_module(SCRIPT.stem)), artist.stop)
