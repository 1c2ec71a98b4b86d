"""Names, prompts and paths of any length: whatever a job says of them fits on a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.errors import LONGEST
from engine.host import Host
from engine.protocol import Request, Result
from engine.words import LINE
from engine.worker import Failure, Worker

Make = Callable[..., Request]
LONG = "very long " * 20 + "name"


def far_and_flat(path: Path) -> str:
    """A ball with a face far away and one without area, and no UVs."""
    ball = trimesh.creation.icosphere(subdivisions=1)
    lines = [f"v {x} {y} {z}" for x, y, z in [*ball.vertices.tolist(), (900, 0, 0), (900, 1, 0), (901, 0, 0)]]
    faces = [*(ball.faces + 1).tolist(), (43, 44, 45), (1, 1, 2)]
    path.write_text("\n".join([*lines, *("f " + " ".join(map(str, face)) for face in faces)]), "utf-8")
    return str(path)


def cameras(path: Path) -> str:
    """One that sees the mesh, and others that see nothing of it."""
    seen = {"position": [0, 0, 4], "forward": [0, 0, -1], "name": "front " + LONG}
    away = [{"position": [0, 0, 4], "forward": [0, 0, 1], "name": f"{i} {LONG}"} for i in range(9)]
    path.write_text(json.dumps({"cameras": [seen, *away]}), "utf-8")
    return str(path)


def test_every_note_of_a_job_fits_on_a_line(request_for: Make, tmp_path: Path) -> None:
    """A prompt of hundreds of words that no model reads, cameras that see nothing, files of a run before."""
    prompt = " ".join(f"unheardof{i}" for i in range(700))
    mesh = far_and_flat(tmp_path / f"{LONG}.obj")
    out = tmp_path / LONG
    fields = {"mesh": mesh, "prompt": prompt, "out": str(out), "steps": 1, "texture_size": 64}
    out.mkdir()
    left = [f"{LONG} {i}.png" for i in range(20)]
    for name in left:
        (out / name).write_bytes(b"")
    old = {"version": "1", "prompt": "x", "seconds": {}, "files": ["report.json", *left]}
    (out / "report.json").write_text(json.dumps(old), "utf-8")
    request = request_for(**fields, cameras=cameras(tmp_path / "cameras.json"), model="starter")
    outcome = Worker().run(request, Host())
    assert isinstance(outcome, Result), outcome
    said = [*outcome.warnings, *json.loads((out / "report.json").read_text("utf-8"))["mesh"]["warnings"]]
    assert all(0 < len(one) <= LINE and one.isprintable() for one in said), said
    for words in ("see nothing", "left out of the prompt", "earlier run", "no area", "unwrapped"):
        assert any(words in one for one in said), (words, said)


@pytest.mark.parametrize("field", ["mesh", "cameras", "init_texture", "model"])
def test_no_error_about_a_path_is_long(field: str, request_for: Make, tmp_path: Path) -> None:
    value = str(tmp_path / "/".join([LONG] * 12))
    outcome = Worker().run(request_for(**{field: value}), Host())
    assert isinstance(outcome, Failure), outcome
    assert max(len(outcome.error), len(outcome.fix)) <= LONGEST
    assert outcome.error.isprintable()


def test_the_add_ons_arrays_are_called_as_their_object(request_for: Make, tmp_path: Path) -> None:
    path = tmp_path / "Suzanne.npz"
    np.savez(path, vertices=np.zeros((3, 3), np.float32), faces=np.array([[0, 1, 2]], np.int32))
    outcome = Worker().run(request_for(mesh=str(path)), Host())
    assert isinstance(outcome, Failure)
    assert outcome.error.startswith("'Suzanne' has no surface"), outcome
    path.write_bytes(b"PK\3\4")
    outcome = Worker().run(request_for(mesh=str(path)), Host())
    assert isinstance(outcome, Failure)
    assert outcome.error.startswith("'Suzanne' can't be read"), outcome
