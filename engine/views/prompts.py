"""View-dependent prompts: the direction words that the published implementation appends, and its rule."""

from __future__ import annotations

from .cameras import Camera


def direction(camera: Camera) -> str:
    """front, side, back, top or bottom."""
    if camera.elevation > 30:
        return "top"
    if camera.elevation < -30:
        return "bottom"
    turn = abs((camera.azimuth + 180) % 360 - 180)
    if turn <= 30:
        return "front"
    return "back" if turn >= 120 else "side"


def positive(prompt: str, camera: Camera) -> str:
    """The prompt as seen from ``camera``: ``red bricks, side view.``"""
    return f"{prompt}, {direction(camera)} view."


def negative(prompt: str, camera: Camera) -> str:
    """The negative prompt; away from the front it also wards off a front view (a face on a nape)."""
    if not prompt or direction(camera) == "front":
        return prompt
    return f"{prompt}, front view."
