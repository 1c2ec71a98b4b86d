"""How long the next texture will take, from the reports of those before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sync_texture.blender_sync_addon.jobs import durations

REPORT = {
    "steps": 20,
    "strength": None,
    "views": [{}] * 6,
    "seconds": {"load": 2.0, "denoise": 20.0, "sync": 1.0, "decode": 3.0, "total": 30.0},
}


def noted(
    folder: Path, report: object, views: str = "auto", own_steps: bool = True
) -> durations.Durations | None:
    path = folder / "report.json"
    path.write_text(report if isinstance(report, str) else json.dumps(report))
    durations.remember(folder / "user", "starter on cpu", path, views, own_steps)
    return durations.read(folder / "user", "starter on cpu")


def test_the_same_texture_takes_as_long(tmp_path: Path) -> None:
    found = noted(tmp_path, REPORT)
    assert found
    assert found.seconds(6, 20) == pytest.approx(30)
    assert found.seconds(12, 20) == pytest.approx(54)  # twice the work; loading and baking as before
    assert (found.steps, found.views) == (20, {"auto": 6})


def test_a_share_of_the_steps_took_the_time(tmp_path: Path) -> None:
    found = noted(tmp_path, {**REPORT, "strength": 0.26})
    assert found
    assert found.seconds(6, 6) == pytest.approx(30)  # 5.2 steps are rounded up


def test_close_ups_take_their_share_of_the_steps(tmp_path: Path) -> None:
    """12 close-ups in 8 of 20 steps are as much work as 4.8 views more."""
    near = {**REPORT, "detail": "2", "close_ups": {"count": 12, "steps": 8}}
    found = noted(tmp_path, near)
    assert found
    assert found.step == pytest.approx(24 / (6 * 20 + 12 * 8))
    assert found.seconds(6, 20, "2") == pytest.approx(30)
    assert found.seconds(6, 10, "2", whole=20) == pytest.approx(30 - 60 * found.step)
    assert found.seconds(6, 20) == pytest.approx(30 - found.closer_seconds("2", 20))
    assert found.closer_seconds("4", 20) > found.closer_seconds("2", 20)  # never seen: about


def test_what_the_model_chose_is_remembered(tmp_path: Path) -> None:
    noted(tmp_path, REPORT)
    found = noted(tmp_path, {**REPORT, "steps": 10}, "paper", own_steps=False)
    assert found
    assert (found.steps, found.views) == (20, {"auto": 6, "paper": 6})


@pytest.mark.parametrize("report", ["", "[]", "{}", {**REPORT, "views": []}, {**REPORT, "seconds": {}}])
def test_reports_that_say_nothing_change_nothing(report: object, tmp_path: Path) -> None:
    assert noted(tmp_path, report) is None
    before = noted(tmp_path, REPORT)
    assert noted(tmp_path, report) == before


@pytest.mark.parametrize("kept", ["", "[]", '{"starter on cpu": 3}', '{"starter on cpu": {"pace": 1}}'])
def test_a_damaged_file_is_as_none(kept: str, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / durations.FILE).write_text(kept)
    assert durations.read(tmp_path / "user", "starter on cpu") is None
    assert noted(tmp_path, REPORT)


def test_a_folder_that_cannot_be_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("a file")
    assert noted(tmp_path, REPORT) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (8.4, "8 s"), (59.6, "1 min"), (3000, "50 min"), (4800, "1 h 20 min")]
)
def test_seconds_for_people(seconds: float, text: str) -> None:
    assert durations.in_words(seconds) == text
