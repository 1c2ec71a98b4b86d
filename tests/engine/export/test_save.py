"""Results on disk: all or nothing, and a full disk said plainly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, UserError
from engine.export import save
from engine.outputs import Outputs

EARLIER = {"a.txt": "old a", "b.txt": "old b"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with earlier results."""
    for name, text in EARLIER.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def noise(size: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8))


def test_files_appear_together_at_the_end(out: Path) -> None:
    with save.staged(Outputs(out, overwrite=True)) as stage:
        (stage / "a.txt").write_text("new a")
        (stage / "c.txt").write_text("new c")
        assert {p.name: p.read_text() for p in out.iterdir() if p.is_file()} == EARLIER
    assert contents(out) == {"a.txt": "new a", "b.txt": "old b", "c.txt": "new c"}


@pytest.mark.parametrize("error", [ValueError("x"), Cancelled(), KeyboardInterrupt()], ids=repr)
def test_a_failure_leaves_earlier_results_and_nothing_else(out: Path, error: BaseException) -> None:
    def write() -> None:
        with save.staged(Outputs(out, overwrite=True)) as stage:
            (stage / "a.txt").write_text("new a")
            raise error

    with pytest.raises(type(error)):
        write()
    assert contents(out) == EARLIER


def test_a_folder_in_the_place_of_a_result_is_nobodys_to_replace(out: Path) -> None:
    (out / "c.txt").mkdir()
    (out / "c.txt" / "mine").write_text("precious")

    def write() -> None:
        with save.staged(Outputs(out, overwrite=True)) as stage:
            for name in ("a.txt", "c.txt", "d.txt"):
                (stage / name).write_text("new")

    with pytest.raises(UserError, match="there is a folder of that name"):
        write()
    assert (out / "c.txt" / "mine").read_text() == "precious"
    assert {p.name: p.read_text() for p in out.iterdir() if p.is_file()} == EARLIER
    assert len(list(out.iterdir())) == 3


def test_a_move_that_fails_half_way_is_taken_back(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.parent.name == "new" and self.name == "d.txt":
            raise PermissionError(13, "in use")
        return replace(self, target)

    def write() -> None:
        with save.staged(Outputs(out, overwrite=True)) as stage:
            for name in ("a.txt", "c.txt", "d.txt"):
                (stage / name).write_text("new")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        write()
    assert contents(out) == EARLIER


def test_a_full_disk_is_said_plainly_and_earlier_results_stay(tiny_disk: Path) -> None:
    for write in (
        lambda folder: save.png(noise(256), folder / "a.png"),
        lambda folder: save.gif([noise(256)] * 2, folder / "a.gif"),
        lambda folder: save.report({"x": "y" * 200_000}, folder / "a.json"),
        lambda folder: save.array(np.zeros(50_000, np.float32), folder / "a.npy"),
    ):
        (tiny_disk / "a.png").write_bytes(b"earlier")

        def fill(write: object = write) -> None:
            with save.staged(Outputs(tiny_disk, overwrite=True)) as stage:
                write(stage)  # type: ignore[operator]

        with pytest.raises(UserError, match=r"the disk with .* is full") as caught:
            fill()
        assert "free some space" in caught.value.fix
        assert [path.name for path in tiny_disk.iterdir()] == ["a.png"]
        assert (tiny_disk / "a.png").read_bytes() == b"earlier"


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_file_in_the_way_of_the_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        save.writable_folder(tmp_path / place)


def test_a_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    save.writable_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_reports_are_strict_json(tmp_path: Path) -> None:
    save.report({"text": "Ziegel, röt", "number": 1.5}, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == {
        "text": "Ziegel, röt",
        "number": 1.5,
    }
    with pytest.raises(ValueError, match="JSON"):
        save.report({"number": float("nan")}, tmp_path / "r.json")


def test_pictures_survive_the_disk(tmp_path: Path) -> None:
    save.png(noise(16), tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), np.asarray(noise(16)))
    save.gif([noise(16), noise(8).resize((16, 16)), noise(16)], tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as animation:
        assert (animation.n_frames, animation.info["loop"]) == (3, 0)
        assert animation.info["duration"] == save.FRAME_MS
