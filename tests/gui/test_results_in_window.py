"""Runs results_in_window.py in a real Blender window on a virtual screen (BLENDER)."""

from __future__ import annotations


def test_results_in_a_window(in_window):
    in_window("results_in_window.py", "--factory-startup")
