"""The button that lets Solid show textures, from the artists' zip (BLENDER); see solid_in_window.py."""

from __future__ import annotations


def test_solid_in_a_window(installed, in_window):
    in_window("solid_in_window.py", seconds=1200)
