"""What people are told: the contact sheet, the line of progress, the time that is left."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from engine.batch import folder as folders
from engine.batch import index_page, jobs, progress, resources, tasks
from engine.batch.progress import TerminalProgress
from engine.batch.summary import BatchSummary
from tests.engine.batch.conftest import Write

NASTY = "<script>alert(\"x\")</script> & 'quotes' <img src=x onerror=y>"


class Page(HTMLParser):
    """The tags, links and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def summed(write: Write, place: Path) -> Path:
    """A folder with one job done, one failed, one refused and one still to do, all with nasty words."""
    lines = [{"prompt": f"{NASTY} {i}", "out": f"a#b%20 ü&'{i}"} for i in range(3)]
    found, refused = jobs.read(write([*lines, {"prompt": NASTY, "seed": NASTY}]), {})
    with folders.opened(place / "out") as there:
        found_tasks = tasks.tasks_of(found, there)
        stage = there.new_staging()
        for name in ("texture.png", "mesh.glb", "views.png", "turntable.gif"):
            (stage / name).write_bytes(b"x")
        (stage / "report.json").write_text('{"coverage": 0.987, "seam_error": null, "view_psnr": 20.5}')
        found_tasks[0].result = {"texture": "texture.png", "mesh": "mesh.glb"}
        there.commit(found[0], stage, found_tasks[0].record())
        found_tasks[0].state = tasks.DONE
        found_tasks[1].fail(NASTY, NASTY, 2)
        BatchSummary(there, found_tasks, refused, place / "jobs.jsonl").write()
    return place / "out"


def test_the_sheet_is_whole_escaped_and_stands_alone(summed: Path) -> None:
    text = (summed / "index.html").read_text("utf-8")
    page = Page(text)
    assert page.open == []
    assert page.tags.count("article") == 4
    assert page.tags.count("img") == 1
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert page.words.count(NASTY) == 6  # four prompts, an error and its fix
    assert "98.7%" in page.words
    assert "url(" not in text
    assert "@import" not in text
    assert len(page.links) == 6
    for link in page.links:
        parts = urlsplit(link)
        assert parts.geturl() == parts.path  # no scheme, no host, no query
        assert (summed / unquote(parts.path)).is_file()


def test_the_summary_says_the_same_in_csv(summed: Path) -> None:
    with (summed / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["done", "failed", "waiting", "refused"]
    assert [int(row["line"]) for row in rows] == [1, 2, 3, 4]
    assert rows[0]["prompt"] == f"{NASTY} 0"
    assert float(rows[0]["coverage"]) == 0.987
    assert rows[0]["seam_error"] == ""
    assert (summed / rows[0]["texture"]).is_file()
    assert (summed / rows[0]["glb"]).is_file()
    assert rows[1]["error"] == NASTY


def test_a_sheet_of_nothing_is_a_page() -> None:
    assert Page(index_page.page([])).open == []


def test_the_rest_takes_as_long_as_what_was_done() -> None:
    remaining = progress.RemainingTime()
    assert remaining.estimate(5, [0.0], 1) is None
    remaining.add(30.0, first=True)  # with loading
    assert remaining.estimate(3, [], 1) == 90
    remaining.add(10.0, first=False)
    assert remaining.estimate(3, [0.5], 1) == 35
    assert remaining.estimate(4, [0.5, 0.5], 2) == 25
    assert remaining.estimate(0, [0.0, 0.9], 2) == 10  # nobody helps with the last one
    assert remaining.estimate(0, [], 2) == 0


def event(done: int, failed: int, left: int, eta: float | None) -> dict[str, object]:
    return {"kind": "overall", "done": done, "failed": failed, "left": left, "running": 1, "eta_s": eta}


def test_the_line_of_progress() -> None:
    assert progress.overall_text(event(2, 0, 8, None)) == "2 of 10 done"
    assert progress.overall_text(event(2, 1, 7, 4000)) == "2 of 10 done, 1 failed, about 67 min left"
    assert progress.overall_text(event(10, 0, 0, 0)) == "10 of 10 done"
    spoken = [progress.duration_text(s) for s in (0, 89, 90, 3000, 5400, 100_000)]
    assert spoken == ["0 s", "89 s", "2 min", "50 min", "1 h 30 min", "27 h 47 min"]


@pytest.mark.parametrize("silent", [False, True])
def test_failures_are_told_even_when_silent(capsys: pytest.CaptureFixture[str], silent: bool) -> None:
    told = TerminalProgress(silent)
    told({"kind": "batch", "jobs": 2, "finished": 0, "refused": 1, "workers": 1})
    told({"kind": "refused", "line": 3, "error": "it is\nbroken", "fix": "mend it"})
    told({"kind": "failed", "id": "a", "line": 1, "error": "bad.", "fix": "mend", "code": 2, "again": False})
    told({"kind": "done", "id": "b", "seconds": 2.0})
    told(event(1, 1, 0, 0))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert "refused line 3: it is broken. mend it" in lines
    assert "failed  a (line 1): bad. mend" in lines
    assert len(lines) == (2 if silent else 4)


def test_on_a_terminal_one_line_is_drawn_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    told = TerminalProgress(False)
    told(event(1, 0, 3, 60.0))
    told({"kind": "done", "id": "b", "seconds": 2.0})
    told.close()
    err = capsys.readouterr().err
    assert "\n" not in err
    assert "1 of 4 done, about 60 s left" in err
    assert err.endswith("\r")


def test_cores_and_cards_are_shared(tmp_path: Path) -> None:
    assert resources.environments(1, {"A": "b"}) == [{"A": "b"}]
    two = resources.environments(2, {resources.GPUS: "4,GPU-x"})
    assert [one[resources.GPUS] for one in two] == ["4", "GPU-x"]
    assert {one[resources.THREADS] for one in two} == {str(max(1, resources.cores() // 2))}
    kept = resources.environments(3, {resources.GPUS: "0", resources.THREADS: "5"})
    assert [(one[resources.GPUS], one[resources.THREADS]) for one in kept] == [("0", "5")] * 3
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    smi.chmod(0o755)
    asked = resources.environments(3, {"PATH": str(tmp_path)})
    assert [one[resources.GPUS] for one in asked] == ["GPU-a", "GPU-b", "GPU-a"]
    smi.write_text("#!/bin/sh\nexit 9\n")
    assert all(resources.GPUS not in one for one in resources.environments(2, {"PATH": str(tmp_path)}))
