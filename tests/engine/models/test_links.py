"""Names for models of one's own, and deleting: nobody's files are touched but what was downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import protocol
from engine.errors import UserError
from engine.models import catalogue, command, hub, links, manage, sources


@pytest.fixture(autouse=True)
def links_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(links.VARIABLE, str(tmp_path / "new" / "models.json"))
    return tmp_path / "new" / "models.json"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> object:
    action, name, path = (*words, None, None)[:3]
    assert action
    assert command.run(action, name, as_json=True, path=path) == protocol.EXIT_DONE
    return json.loads(capsys.readouterr().out)


def test_a_linked_model_is_listed_used_and_verified_by_its_name(
    eps_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "link", "mine", str(eps_model))
    (listed,) = [model for model in manage.list_models() if model.entry.name == "mine"]
    assert listed.installed
    assert listed.link == str(eps_model)
    assert listed.disk == sum(path.stat().st_size for path in eps_model.rglob("*") if path.is_file())
    assert sources.split("mine") == (str(eps_model), "")
    assert sources.split("mine+mine") == (str(eps_model), str(eps_model))
    assert sources.find("mine", lambda: None).pipeline == eps_model
    assert manage.verify("mine") == []


def test_deleting_a_link_keeps_the_files(eps_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(eps_model.rglob("*"))
    said(capsys, "link", "mine", str(eps_model))
    assert said(capsys, "delete", "mine") == {"name": "mine", "freed": 0}
    assert sorted(eps_model.rglob("*")) == before
    assert links.read() == {}


def test_a_file_that_vanished_is_told_not_hidden(
    eps_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = shutil.copytree(eps_model, tmp_path / "copy")
    said(capsys, "link", "mine", str(copy))
    shutil.rmtree(copy)
    (listed,) = [model for model in manage.list_models() if model.link]
    assert not listed.installed
    assert command.run("list", None) == protocol.EXIT_DONE
    assert "missing or damaged" in capsys.readouterr().out


def test_what_is_no_model_and_what_is_no_name_is_refused(eps_model: Path, tmp_path: Path) -> None:
    (tmp_path / "words.safetensors").write_text("no weights")
    for name, path in (
        ("mine", tmp_path / "nowhere"),
        ("mine", tmp_path / "words.safetensors"),
        ("starter", eps_model),
        ("a/b", eps_model),
        ("", eps_model),
    ):
        with pytest.raises(UserError):
            manage.link(name, path)
    assert links.read() == {}


def test_a_damaged_list_is_named(links_file: Path) -> None:
    links_file.parent.mkdir()
    links_file.write_text("{")
    with pytest.raises(UserError, match=r"models\.json"):
        links.read()


def test_a_downloaded_model_is_deleted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.Entry("mine", "Mine", "them/pipe", "them/depth", "mine", "free", "small")
    monkeypatch.setitem(catalogue.BY_NAME, "mine", entry)
    other = tmp_path / "cache/models--them--other/blobs/1"
    for name in ("pipe/blobs/1", "pipe/blobs/2.part", "depth/blobs/1"):
        path = tmp_path / "cache" / f"models--them--{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    other.parent.mkdir(parents=True)
    other.write_bytes(b"1")
    assert manage.delete("mine") == 15
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["models--them--other"]
    assert manage.delete("mine") == 0
    assert hub.delete("them/other") == 1


def test_the_starter_isnt_deleted() -> None:
    with pytest.raises(UserError, match="part of Sync Texture"):
        manage.delete("starter")
    with pytest.raises(UserError, match="unknown"):
        manage.delete("no such model")
    assert catalogue.STARTER_FOLDER.is_dir()
