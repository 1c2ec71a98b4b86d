"""An artist's first session with the zip, by mouse and keyboard (BLENDER); see session_in_window.py."""

from __future__ import annotations


def test_a_first_session(installed, in_window, engine_python):
    in_window("session_in_window.py", seconds=3600, SYNC_TEXTURE_ENGINE=str(engine_python))
