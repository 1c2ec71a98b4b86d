"""Sheets and galleries: every cell, small enough, and on where they were."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from engine.errors import UserError
from training import gallery
from training.judge.report import SheetEntry, sheet


def test_sheets_hold_every_cell() -> None:
    cell = np.full((8, 8, 3), 0.5, np.float32)
    page = sheet([SheetEntry([cell, cell], [("prompt", None), ("taken for it", True)])] * 5)
    assert page.size[0] > page.size[1]
    assert len(page.getcolors(100_000) or []) > 2


def test_the_gallery_is_made_smaller_until_it_fits() -> None:
    rng = np.random.default_rng(0)
    cells = [Image.fromarray(rng.integers(0, 255, (40, 80, 3), dtype=np.uint8)) for _ in range(8)]
    whole = gallery.smallest(cells, ["red bricks"] * 8)
    smaller = gallery.smallest(cells, ["red bricks"] * 8, largest=len(whole) - 1)
    assert len(smaller) < len(whole)
    with Image.open(io.BytesIO(smaller)) as a, Image.open(io.BytesIO(whole)) as b:
        assert a.size[0] < b.size[0]
    with pytest.raises(UserError, match="8 textures"):
        gallery.smallest(cells, ["red bricks"] * 8, largest=1000)


def test_prompts_of_several_meshes_never_share_a_row() -> None:
    red, blue = (Image.new("RGB", (2, 2), colour) for colour in ("red", "blue"))
    page = gallery.sheet([red] * 8 + [blue] * 8, [f"prompt {i}" for i in range(8)])
    rows = [page.crop((0, top + gallery.LABEL, 12, top + gallery.LABEL + 2)) for top in range(0, 68, 17)]
    found = [{colour for _, colour in row.getcolors() or []} - {(24, 24, 24)} for row in rows]
    assert page.size == (12, 4 * 17)
    assert found == [{(255, 0, 0)}] * 2 + [{(0, 0, 255)}] * 2


def test_the_gallery_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Textures are replaced by plain pictures here: what is tested is that each is made once."""
    model, mesh = tmp_path / "model", tmp_path / "ball.ply"
    model.mkdir()
    (model / "vocabulary.json").write_text(json.dumps({"examples": ["red bricks", "gold"]}))
    trimesh.creation.icosphere(subdivisions=1).export(mesh)
    made: list[str] = []

    def make(denoiser: Any, mesh: Path, prompt: str, *_: Any, **__: Any) -> Any:
        if prompt == "gold" and len(made) == 1:
            made.append("interrupted")
            raise KeyboardInterrupt
        made.append(prompt)
        return SimpleNamespace(picture=lambda *_, **__: np.zeros((gallery.CELL, gallery.CELL, 3), np.float32))

    monkeypatch.setattr(gallery.textures, "load_model", lambda *_: None)
    monkeypatch.setattr(gallery.textures, "make", make)
    settings = gallery.GallerySettings(
        str(model), "", [mesh], tmp_path / "docs", tmp_path / "cache", None, 0, "cpu", None
    )
    with pytest.raises(KeyboardInterrupt):
        gallery.main(settings)
    gallery.main(settings)
    gallery.main(settings)
    assert made == ["red bricks", "interrupted", "gold"]
    with Image.open(tmp_path / "docs" / "gallery-ball.png") as page:
        assert page.size == (4 * gallery.CELL, gallery.CELL + gallery.LABEL)
    other = shutil.copytree(model, tmp_path / "other")
    (other / "weights").write_bytes(b"others")
    ring = tmp_path / "ring.ply"
    trimesh.creation.torus(1, 0.3).export(ring)
    gallery.main(replace(settings, beside=str(other), meshes=[mesh, ring]))
    assert made[3:] == ["red bricks", "gold", *2 * ["red bricks"], *2 * ["gold"]]
    with Image.open(tmp_path / "docs" / "gallery-beside.png") as page:
        assert page.size == (4 * gallery.CELL, 2 * (gallery.CELL + gallery.LABEL))
    (model / "vocabulary.json").unlink()
    with pytest.raises(UserError, match="vocabulary"):
        gallery.main(settings)
