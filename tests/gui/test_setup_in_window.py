"""Preferences in a real Blender window, from the zip that artists get (BLENDER); see setup_in_window.py."""

from __future__ import annotations

import os


def test_preferences_in_a_window(installed, in_window):
    nowhere = {} if "SYNC_TEXTURE_DOWNLOAD" in os.environ else {"PIP_FIND_LINKS": "", "UV_FIND_LINKS": ""}
    told, _ = in_window("setup_in_window.py", seconds=1500, **nowhere)
    assert told["work_ms"]["draw"] < 10, "drawing Preferences holds Blender's main thread"
