"""Damaged and hostile model files: each is told by one line that names it, and none hides the others."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from engine import doctor, protocol
from engine.errors import UserError
from engine.models import command, files, links, manage
from engine.models.describe import describe
from engine.models.header import header
from tests.engine.models import odd_json

MANY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # the fuzz run looks further
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
UNET = Path("unet", "diffusion_pytorch_model.safetensors")


def written(path: Path, table: bytes, body: bytes, length: int | None = None) -> Path:
    path.write_bytes(struct.pack("<Q", len(table) if length is None else length) + table + body)
    return path


def require_one_line(error: UserError, *parts: str) -> None:
    text = str(error)
    assert "\n" not in text + error.fix
    assert len(text) < 600
    assert error.fix
    for part in parts:
        assert part in text


@MANY
@given(data=st.data())
def test_a_header_is_believed_only_where_safetensors_itself_believes_it(
    data: st.DataObject, tmp_path: Path
) -> None:
    table: dict[str, Any] = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F16", "shape": [], "data_offsets": [24, 26]},
        "__metadata__": {"format": "pt"},
    }
    body, length = bytes(26), None
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from(["entry", "key", "number", "name", "body", "length", "whole"]))
        if where == "entry":
            table["b"] = data.draw(odd_json.values)
        elif where == "key":
            table["a"] = {**table["a"], data.draw(st.sampled_from([*table["a"]])): data.draw(odd_json.values)}
        elif where == "number":
            key, numbers = data.draw(st.sampled_from([("shape", 2), ("shape", 3), ("data_offsets", 2)]))
            table["a"] = {**table["a"], key: [data.draw(odd_json.scalars) for _ in range(numbers)]}
        elif where == "name":
            table[data.draw(st.sampled_from(odd_json.TEXTS))] = table["a"]
        elif where == "body":
            body = bytes(data.draw(st.sampled_from([0, 25, 27, 24])))
        elif where == "length":
            length = data.draw(st.sampled_from([0, 1, 7, 200, 2**24 + 1, 2**40, 2**63, 2**64 - 1]))
        else:
            written_table = odd_json.dumped(data.draw(odd_json.values))
            break
    else:
        written_table = odd_json.dumped(table)
    path = written(tmp_path / "x.safetensors", written_table, body, length)
    try:
        found = header(path)
    except UserError as error:
        require_one_line(error, str(path))
        return
    with safe_open(path, framework="np") as judge:
        shapes = {name: tuple(judge.get_slice(name).get_shape()) for name in judge.keys()}  # noqa: SIM118
    assert shapes == {name: entry.shape for name, entry in found.items()}


def test_a_header_nested_deeply_and_one_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    written(path, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"")
    with pytest.raises(UserError, match="nests too deeply"):
        header(path)
    for size in range(8):
        path.write_bytes(bytes(size))
        with pytest.raises(UserError, match="no safetensors header"):
            header(path)


def damage_header(folder: Path) -> None:
    written(folder / UNET, b'{"a": [1]}', b"")


def no_config(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text('{"in_channels": 3')


def cut_weights(folder: Path) -> None:
    (folder / UNET).write_bytes((folder / UNET).read_bytes()[:100])


def no_sidecar(folder: Path) -> None:
    (folder / "sync_texture.json").write_text("[" * 100_000)


def no_weights(folder: Path) -> None:
    (folder / UNET).unlink()


def pipe_config(folder: Path) -> None:
    (folder / "unet" / "config.json").unlink()
    os.mkfifo(folder / "unet" / "config.json")


def pipe_sidecar(folder: Path) -> None:
    os.mkfifo(folder / "sync_texture.json")


def pipe_weights(folder: Path) -> None:
    (folder / UNET).unlink()
    os.mkfifo(folder / UNET)


def endless_weights(folder: Path) -> None:
    (folder / UNET).unlink()
    (folder / UNET).symlink_to("/dev/zero")


@pytest.fixture
def linked(copy: Path, eps_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A linked model between two others, to be damaged."""
    path = tmp_path / "models.json"
    listed = {"a": str(eps_model), "broken": str(copy), "c": str(eps_model), "gone": "~nobody-at-all/x"}
    path.write_text(json.dumps(listed))
    monkeypatch.setenv(links.VARIABLE, str(path))
    return copy


DAMAGES = (damage_header, no_config, cut_weights, no_sidecar, no_weights)
PIPES = (pipe_config, pipe_sidecar, pipe_weights, endless_weights)


@pytest.mark.parametrize(
    "damage",
    [
        *DAMAGES,
        *(
            pytest.param(one, marks=pytest.mark.skipif(os.name == "nt", reason="Windows has no such files"))
            for one in PIPES
        ),
    ],
)
def test_a_broken_model_is_listed_as_such_beside_the_others(
    damage: Any, linked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(linked)
    assert command.run("list", None, as_json=True) == protocol.EXIT_DONE
    listed = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert {"starter", "sd15", "a", "c"} <= set(listed)
    assert listed["starter"]["installed"]
    assert listed["a"]["installed"]
    assert listed["c"]["damaged"] is None
    assert not listed["broken"]["installed"]
    assert str(linked) in listed["broken"]["damaged"]
    assert "home folder" in listed["gone"]["damaged"]
    assert command.run("list", None) == protocol.EXIT_DONE
    assert listed["broken"]["damaged"] in capsys.readouterr().out
    found = {model["name"]: model for model in doctor.examine()["models"]}
    assert found["broken"]["damaged"] == listed["broken"]["damaged"]
    with pytest.raises(UserError) as caught:
        command.run("verify", "broken")
    require_one_line(caught.value, str(linked))


def test_verify_walks_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is no model isn't looked through, and a model only as deep as its parts lie."""
    deep = tmp_path / "home" / "someone" / "deep"
    deep.mkdir(parents=True)
    looked: list[object] = []
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: looked.append(self) or iter(()))
    assert "is no model" in manage.verify(str(tmp_path))[0]
    with pytest.raises(UserError):
        describe(str(tmp_path))
    assert looked == []


@pytest.mark.parametrize(
    "line",
    ["00  ../secret", "00  /etc/passwd", "00 *../../secret", "00  unet/%2e%2e/../../secret", "oneword", "0"],
)
def test_a_list_of_checksums_names_the_models_own_files(line: str, copy: Path) -> None:
    (copy / manage.CHECKSUMS).write_text(line + "\n")
    (problem,) = manage.verify(str(copy))
    assert manage.CHECKSUMS in problem


@MANY
@given(document=odd_json.values, cut=st.integers(0, 3))
def test_any_json_is_an_object_or_refused(document: Any, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    whole = odd_json.dumped(document)
    path.write_bytes(whole[: len(whole) - cut])
    try:
        found = files.read_json(path)
    except UserError as error:
        require_one_line(error, str(path))
    else:
        assert isinstance(found, dict)


@MANY
@given(document=odd_json.values)
def test_any_list_of_links_lists_the_catalogue(document: Any, tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(odd_json.dumped(document))
    os.environ[links.VARIABLE] = str(path)
    try:
        names = [model.entry.name for model in manage.list_models()]
    except UserError as error:
        require_one_line(error, str(path))
    else:
        assert names[:1] == ["starter"]
    finally:
        del os.environ[links.VARIABLE]
