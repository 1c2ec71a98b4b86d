"""Prompts by view, against the published rule and its outcome for the published rig."""

from __future__ import annotations

import pytest

from engine.views.cameras import Camera, paper_rig
from engine.views.prompts import direction, negative, positive


def test_published_rig() -> None:
    words = {(c.azimuth, c.elevation): direction(c) for c in paper_rig()}
    assert words == {
        (0, 0): "front",
        (-45, 0): "side",
        (45, 0): "side",
        (-90, 0): "side",
        (90, 0): "side",
        (-135, 0): "back",
        (135, 0): "back",
        (-180, 0): "back",
        (0, 30): "front",
        (180, 30): "back",
    }


@pytest.mark.parametrize(
    ("azimuth", "elevation", "word"),
    [
        (30, 0, "front"),
        (-30, 0, "front"),
        (30.5, 0, "side"),
        (119.5, 0, "side"),
        (120, 0, "back"),
        (-120, 0, "back"),
        (240, 0, "back"),
        (330, 0, "front"),
        (300, 0, "side"),
        (725, 10, "front"),
        (180, 30.5, "top"),
        (0, 90, "top"),
        (0, -30, "front"),
        (90, -31, "bottom"),
        (0, -90, "bottom"),
    ],
)
def test_limits_of_the_rule(azimuth: float, elevation: float, word: str) -> None:
    assert direction(Camera(azimuth, elevation)) == word
    assert positive("red bricks", Camera(azimuth, elevation)) == f"red bricks, {word} view."


@pytest.mark.parametrize(
    ("azimuth", "elevation", "added"),
    [(0, 0, ""), (29, 0, ""), (-29, 30, ""), (31, 0, ", front view."), (180, 0, ", front view.")],
)
def test_negative_prompt_wards_off_a_front_view_elsewhere(
    azimuth: float, elevation: float, added: str
) -> None:
    assert negative("blurry", Camera(azimuth, elevation)) == "blurry" + added


def test_no_negative_prompt_stays_none() -> None:
    assert negative("", Camera(180, 0)) == ""
