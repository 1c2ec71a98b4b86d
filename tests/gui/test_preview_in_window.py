"""Runs preview_in_window.py in a real Blender window on a virtual screen (BLENDER)."""

from __future__ import annotations


def test_previews_in_a_window(in_window):
    _, log = in_window("preview_in_window.py", "--factory-startup")
    assert "no previews here" not in log
