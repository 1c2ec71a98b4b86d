"""What the benchmark of the interface says of what it measured."""

from __future__ import annotations

from tests.bench import ui

GOOD = {
    **{"panel": 0.4, "panel_wall": 0.9, "tick": 3.0, "tick_wall": 5.0, "read": 119.0, "read_wall": 130.0},
    **{"cold": 0.15, "cold_s": 17.0, "warm": 0.1, "warm_s": 13.0, "load": 0.5, "blender": "5.2.0"},
}


def test_targets_are_those_of_ours_alone() -> None:
    assert ui.missed(GOOD) == []
    assert ui.missed({**GOOD, "panel_wall": 50.0, "tick_wall": 50.0}) == []
    slow = {"panel": 1.0, "tick": 10.5, "read": 600.0, "cold": 0.21, "warm": 0.21}
    assert ui.missed({**GOOD, **slow}) == ["panel", "tick", "read", "cold", "warm"]


def test_the_table_has_a_line_for_each() -> None:
    lines = ui.table(GOOD).splitlines()
    assert len(lines) == 1 + len(ui.TARGETS) + 2 + 1
    assert "119.00 ms" in next(line for line in lines if "200,000 faces" in line)
    assert "15.0%" in next(line for line in lines if "new engine" in line)
    assert "load of the machine 0.5" in lines[-1]
