"""build.py bench speed: fits, verdicts, the page and the picture, and one small measurement."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.bench import speed
from tests.bench.cases import speed as case
from tests.bench.pages import speed as page
from tests.bench.plots.speed import decades, draw


def made(name: str, value: int, power: float) -> page.Figures:
    """Figures that grow with ``value`` to the ``power``, over a base of 400 MB."""
    grown = float(value) ** power
    columns = dict.fromkeys(("setup_s", "step_ms", "two_maps_ms", "finish_s"), grown)
    return {"faces": value if name == "faces" else 4e4, **columns, "base_mb": 400.0, "peak_mb": 400 + grown}


def sweeps(power: float) -> list[page.Sweep]:
    return [
        page.Sweep(name, values, [made(name, value, power) for value in values])
        for name, values in speed.SWEEPS.items()
    ]


def test_slope_is_the_exponent_of_a_power_law() -> None:
    x = [1.0, 3.0, 10.0, 70.0]
    assert page.slope(x, [5 * v**1.3 for v in x]) == pytest.approx(1.3)


def test_growth_counts_texels_and_leaves_out_what_python_takes() -> None:
    faces, views, texture = sweeps(2.0)
    assert faces.exponent("peak_mb") == pytest.approx(2.0)
    assert views.exponent("step_ms") == pytest.approx(2.0)
    assert texture.exponent("finish_s") == pytest.approx(1.0)  # the side's square


@pytest.mark.parametrize(("power", "met"), [(1.0, True), (1.2, False)])
def test_growth_is_at_most_linear_or_missed(power: float, met: bool) -> None:
    found = [target for target in page.growth(sweeps(power)) if "views" in target.what]
    assert len(found) == len(page.COLUMNS)
    assert all(target.met is met for target in found)
    assert all(("missed" in row) is not met for row in page.table(found)[2:])


def test_page_and_picture(tmp_path: Path) -> None:
    found = sweeps(1.0)
    texture = made("texture", 8192, 1.0)
    text = page.page(found, texture, page.growth(found), [texture, {**texture, "unwrap_s": 3.0}])
    for sweep in found:
        assert f"## {page.TITLES[sweep.name]}" in text
        assert all(f"| {value:,} |" in text for value in sweep.values)
    assert all(len(line) <= 115 or line.startswith("|") for line in text.splitlines())
    draw(found, tmp_path / "speed.png")
    with Image.open(tmp_path / "speed.png") as picture:
        assert picture.width > 900
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 100


def test_decades_hold_all_values() -> None:
    assert decades([0.3, 5.0, 99.0]) == (-1, 2)


def test_a_small_case_is_measured() -> None:
    found = case.texturing(case.Case(faces=200, views=2, texture=64))
    assert 150 <= found["faces"] <= 250
    assert all(value > 0 for value in found.values())
    assert found["setup_mb"] <= found["peak_mb"]


def test_figures_kept_are_not_measured_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    first = speed.Bench(1, kept)
    first.found['{"views": 4}'] = {"step_ms": 1.0}
    kept.write_text('{"{\\"views\\": 4}": {"step_ms": 1.0}}', encoding="utf-8")
    assert speed.Bench(1, kept).measure(views=4) == first.measure(views=4) == {"step_ms": 1.0}
